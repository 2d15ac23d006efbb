"""Pictures: right shapes, right captions, few bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors.numpy import save_file

from tests.tui.recorded import CLASSES, Recording
from tui.colors import PALETTES
from tui.panes.images import CAPTION, images, plan
from tui.panes.lines import Frame
from tui.panes.preview import Preview, load
from tui.panes.thumbs import half_blocks, resize
from tui.state import RunState

COLORS = PALETTES["miniai-dark"]


def preview(n: int = 32, shape: tuple[int, int, int] = (1, 28, 28)) -> Preview:
    pixels = np.random.default_rng(0).integers(0, 255, (n, *shape), np.uint8)
    labels = [i % 10 for i in range(n)]
    said = [4 if i == 1 else x for i, x in enumerate(labels)]
    return Preview("p", pixels, labels, said, [0.98] * n)


def state() -> RunState:
    held = RunState()
    for fact in Recording().start():
        held.apply(fact)
    return held


def rows(held: Preview | None, width: int = 51, height: int = 17, page: int = 0) -> list[str]:
    strips = images(held, state(), Frame(width, height, COLORS), page)
    assert [s.cell_length for s in strips] == [width] * height
    return [s.text for s in strips]


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 3), st.integers(0, 255))
def test_a_flat_picture_stays_flat_at_any_size(height: int, width: int, channels: int, value: int) -> None:
    small = resize(np.full((channels, 28, 28), value, np.uint8), height, width)
    assert small.shape == (height, width, 3)
    assert np.abs(small.astype(int) - value).max() <= 4


def test_the_mean_of_a_picture_is_kept() -> None:
    ramp = np.tile(np.arange(0, 252, 9, dtype=np.uint8), (1, 28, 1))
    assert resize(ramp, 14, 14).mean() == pytest.approx(ramp.mean(), abs=4)
    assert resize(ramp, 28, 28)[:, :, 0].tolist() == (np.rint(ramp[0] / 8) * 8).astype(int).tolist()


def test_a_cell_holds_two_pixels_and_a_space_where_they_are_equal() -> None:
    image: NDArray[np.uint8] = np.zeros((2, 3, 3), np.uint8)
    image[0, 1] = 255
    (strip,) = half_blocks(image)
    assert strip.text == " ▀ "
    upper = list(strip)[1].style
    assert upper is not None
    assert upper.color is not None
    assert upper.bgcolor is not None
    assert (upper.color.name, upper.bgcolor.name) == ("#ffffff", "#000000")


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (1, 20, 40), (3, 40, 20)])
@pytest.mark.parametrize(("width", "height"), [(51, 17), (90, 28), (76, 16), (40, 9)])
def test_pictures_keep_their_proportions_and_lie_within_the_pane(
    shape: tuple[int, int, int], width: int, height: int
) -> None:
    held = plan(preview(shape=shape), width, height)
    assert held is not None
    assert held.width / (2 * held.height) == pytest.approx(shape[2] / shape[1], rel=0.15)
    assert held.rows * (held.height + CAPTION) <= height
    assert held.columns * (held.width + 1) - 1 <= width


def test_enough_pictures_are_seen_and_pages_reach_all() -> None:
    held = plan(preview(), 51, 17)
    assert held is not None
    assert held.each >= 6
    assert held.each * held.pages >= 32
    assert rows(preview(), page=0) != rows(preview(), page=1)
    assert rows(preview(), page=held.pages) == rows(preview(), page=0)


def test_captions_say_label_and_what_it_was_taken_for() -> None:
    lines = rows(preview())
    assert CLASSES[0] in lines[6]
    assert CLASSES[1] in lines[6]
    assert "98 %" in lines[7]
    assert "✗ Coat" in lines[7]


def test_a_wrong_one_is_marked_by_colour_too() -> None:
    strip = images(preview(), state(), Frame(51, 17, COLORS))[7]
    wrong = next(s for s in strip if "✗" in s.text)
    assert wrong.style is not None
    assert wrong.style.color is not None
    assert wrong.style.color.name == COLORS.wrong


def test_empty_and_too_small_say_so() -> None:
    assert "images, and what the model takes them for" in " ".join(line.strip() for line in rows(None))
    assert rows(preview(), 8, 3)[0].split() == ["too"]


@pytest.mark.parametrize(("width", "height"), [(1, 1), (12, 5), (60, 3), (200, 50)])
def test_every_size_is_filled(width: int, height: int) -> None:
    rows(preview(), width, height)


def good() -> dict[str, NDArray[np.generic]]:
    return {
        "pixels": np.zeros((4, 1, 28, 28), np.uint8), "labels": np.arange(4), "predictions": np.arange(4),
        "confidences": np.ones(4, np.float32),
    }  # fmt: skip


def test_a_preview_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "preview").mkdir()
    save_file(good(), tmp_path / "preview" / "1.safetensors")
    held = load(tmp_path, "preview/1.safetensors")
    assert held is not None
    assert held.pixels.shape == (4, 1, 28, 28)
    assert held.labels == [0, 1, 2, 3]


def test_vanished_broken_odd_and_foreign_files_are_passed_over(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    save_file(good(), tmp_path / "outside.safetensors")
    (run / "torn").write_bytes(b"\x10\x00")
    odd = good()
    odd["labels"] = np.arange(3)
    save_file(odd, run / "odd")
    save_file({"pixels": np.zeros((1, 1, 2, 2), np.uint8)}, run / "part")
    for file in ("gone", "torn", "odd", "part", "../outside.safetensors", "."):
        assert load(run, file) is None
