"""Pictures: right shapes, right captions, few bytes."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors.numpy import save_file

from miniai.run import events as ev
from tests.tui.driving import driving
from tests.tui.fake_session import FakeSession
from tests.tui.recorded import CLASSES, Recording
from tui.colors import PALETTES
from tui.panes.images import CAPTION, images, mistakes, plan
from tui.panes.lines import Frame
from tui.panes.preview import Preview, load, paired
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


def test_a_picture_of_three_channels_is_in_color() -> None:
    pixels = np.zeros((3, 3, 16, 16), np.uint8)
    for channel in range(3):
        pixels[channel, channel] = 200
    held = Preview("p", pixels, [0, 1, 2], [0, 1, 2], [1.0] * 3)
    line = images(held, state(), Frame(120, 20, COLORS))[3]
    seen = [s.style.bgcolor.name for s in line if s.style is not None and s.style.bgcolor is not None]
    assert seen == ["#c80000", "#00c800", "#0000c8"]


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


def test_a_loss_stands_beside_its_label_where_there_is_room() -> None:
    held = replace(preview(), losses=[12.345] * 31 + [float("inf")])
    assert re.search(r"T-shirt/top +12\.35", "".join(rows(held, 90, 40)))
    assert "T-shirt… 12.35" in "".join(rows(held, 24, 9))
    bad = replace(held, losses=[float("inf"), float("nan"), 1234.5, 99.99, *[1.0] * 28])
    text = "".join(rows(bad, 120, 40))
    assert re.search("inf .* NaN .*> 100.* 99.99 ", text)
    assert "T-shi… 12.35" in "".join(rows(held, 12, 9))
    assert "12.3" not in "".join(rows(held, 10, 7))


def test_a_confidence_that_is_no_number_is_never_shown_as_right() -> None:
    """Without an order among NaNs the prediction is the first class, whatever the picture shows."""
    held = replace(preview(), predictions=[0] * 32, confidences=[float("nan")] * 32)
    captions = rows(held)[7]
    assert captions.split() == ["✗", "NaN"] * captions.count("NaN")
    assert captions.count("NaN") >= 4
    wrong = {s.style.color.name for s in images(held, state(), Frame(51, 17, COLORS))[7] if s.style and s.style.color}
    assert wrong == {COLORS.wrong}


def test_before_and_after_stand_side_by_side() -> None:
    held = preview(8, (3, 8, 8))
    assert paired(held) is None
    before = 255 - held.pixels[:5]
    both = paired(replace(held, before=before))
    assert both is not None
    assert (both.pixels[::2] == before).all()
    assert (both.pixels[1::2] == held.pixels[:5]).all()
    assert both.labels == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    for width in (51, 76, 110):
        layout = plan(both, width, 17)
        assert layout is not None
        assert layout.columns == 1 or layout.columns % 2 == 0
    text = "".join(rows(both))
    assert "before" in text
    assert "after" in text
    assert "✗" not in text


def test_files_with_more_are_read_and_odd_ones_are_passed_over(tmp_path: Path) -> None:
    more = {**good(), "losses": np.arange(4, dtype=np.float32), "before": np.ones((2, 1, 28, 28), np.uint8)}
    save_file(more, tmp_path / "more")
    held = load(tmp_path, "more")
    assert held is not None
    assert held.losses == [0, 1, 2, 3]
    assert held.before is not None
    save_file({**more, "before": np.ones((2, 1, 14, 14), np.uint8)}, tmp_path / "sizes")
    other = load(tmp_path, "sizes")
    assert other is not None
    assert other.before is None
    save_file({**more, "losses": np.ones(3, np.float32)}, tmp_path / "odd")
    assert load(tmp_path, "odd") is None


async def test_views_and_pages_by_key(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    batch = {**good(), "pixels": random.integers(0, 255, (4, 3, 28, 28), np.uint8)}
    save_file({**batch, "before": 255 - batch["pixels"]}, tmp_path / "batch")
    n = 24
    worst = {
        "pixels": random.integers(0, 255, (n, 3, 28, 28), np.uint8), "labels": np.arange(n) % 10,
        "predictions": np.arange(1, n + 1) % 10, "confidences": np.full(n, 0.9, np.float32),
        "losses": np.arange(n, 0, -1).astype(np.float32),
    }  # fmt: skip
    save_file(worst, tmp_path / "worst")
    recording = Recording()
    facts = [*recording.until(1, 8), recording.preview("batch")]
    async with driving(FakeSession(tmp_path, facts)) as driver:
        await driver.settle()
        assert "training batch at step" in driver.text("images")
        await driver.press("p")
        await driver.settle()
        assert "come with a validation" in " ".join(driver.text("images").split())
        await driver.post(recording.worst("worst"))
        await driver.settle()
        title = driver.text("images").splitlines()[0]
        assert "largest losses, step" in title
        assert "1/" in title
        first = driver.text("images")
        assert "✗ Trouser" in first
        await driver.press("n")
        assert "2/" in driver.text("images").splitlines()[0]
        assert driver.text("images") != first
        await driver.press("N")
        assert driver.text("images") == first
        await driver.press("N")  # before the first comes the last
        assert "1/" not in driver.text("images").splitlines()[0]
        await driver.press("p")
        await driver.settle()
        assert "before and after, step" in driver.text("images")
        await driver.press("p")
        assert "training batch" in driver.text("images")
        save_file(batch, tmp_path / "valid")
        await driver.post(recording.preview("valid", "valid"))  # has no transform; that of the training stays
        assert "validation batch" in driver.text("images")
        await driver.press("p", "p")
        await driver.settle()
        assert "before and after, step" in driver.text("images")


async def test_what_is_no_classification_has_no_largest_losses(tmp_path: Path) -> None:
    none = ev.ConfusionMeasured(at=1, epoch=0, step=0, classes=0, why="targets are not whole numbers")
    async with driving(FakeSession(tmp_path, [*Recording().until(1, 8), none])) as driver:
        await driver.press("p")
        await driver.settle()
        assert "n/a, because this is no classification" in " ".join(driver.text("images").replace("\n", " ").split())


def test_the_worst_have_the_most_frequent_mistakes_below_them() -> None:
    held = state()
    assert mistakes(held, Frame(60, 1, COLORS)).text.strip() == ""
    held.apply(Recording().confused())
    text = mistakes(held, Frame(60, 1, COLORS)).text
    assert len(text) == 60
    assert text.startswith("most often T-shirt/top ✗ Trouser 100 · Trouser ✗ Pullover 90")
    assert mistakes(held, Frame(20, 1, COLORS)).text.strip() == ""


@pytest.mark.parametrize(("width", "height", "least"), [(51, 17, 8), (51, 15, 6), (76, 18, 8), (56, 7, 4)])
def test_a_low_pane_is_used(width: int, height: int, least: int) -> None:
    held = plan(preview(), width, height)
    assert held is not None
    assert held.each >= least


def test_right_and_wrong_each_have_a_sign_where_there_is_room() -> None:
    text = " ".join(rows(preview()))
    assert "✓ 98 %" in text
    assert "✗ Coat" in text
    assert "✓" not in " ".join(rows(preview(), 6, 5))
