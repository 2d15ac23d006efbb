"""Pictures with kitty's graphics: nothing that is sent is wrong, and nothing where it may not be."""

from __future__ import annotations

import base64
import re
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from rich.cells import cell_len

from tests.tui.driving import driving
from tests.tui.fake_session import FakeSession
from tests.tui.recorded import Recording
from tests.tui.test_images import good
from tui.colors import PALETTES
from tui.graphics import know_colors
from tui.graphics_cells import MARKS, PLACEHOLDER
from tui.graphics_kitty import BUDGET, CHUNK, KEPT, KittyPictures
from tui.panes.lines import Frame
from tui.screens.pictures import Pictures, grid


def test_a_terminal_of_all_colors_is_known_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.delenv("COLORTERM", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    know_colors()
    assert "COLORTERM" not in os.environ
    monkeypatch.setenv("TERM", "xterm-kitty")
    know_colors()
    assert os.environ["COLORTERM"] == "truecolor"
    monkeypatch.setenv("COLORTERM", "")
    know_colors()
    assert os.environ["COLORTERM"] == ""


def test_marks_take_no_room_and_are_not_composed() -> None:
    import unicodedata

    assert len(set(MARKS)) == len(MARKS) == 132
    for mark in MARKS:
        assert cell_len(PLACEHOLDER + mark + mark) == 1
        assert unicodedata.combining(mark) == 230
    assert [f"{ord(MARKS[i]):X}" for i in (0, 1, 4, 17, 35, 62, 100, 131)] == [
        "305", "30D", "312", "363", "592", "657", "7EB", "954",
    ]  # fmt: skip


def sending() -> tuple[KittyPictures, list[str]]:
    held = KittyPictures()
    said: list[str] = []
    held.on, held.write = True, said.append
    return held, said


def noise(n: int, *shape: int) -> list[NDArray[np.uint8]]:
    return list(np.random.default_rng(n).integers(0, 255, (n, *shape), np.uint8))


def decoded(text: str) -> dict[int, NDArray[np.uint8]]:
    found: dict[int, NDArray[np.uint8]] = {}
    payload, keys = "", dict[str, str]()
    for control, data in re.findall(r"\x1b_G([^;\x1b]*);?([^\x1b]*)\x1b\\", text):
        now = dict(pair.split("=") for pair in control.split(","))
        assert now["q"] == "2"
        if now.get("a") == "d":
            continue
        assert len(data) <= CHUNK
        keys, payload = (now, data) if "a" in now else (keys, payload + data)
        if now["m"] == "0":
            raw = np.frombuffer(zlib.decompress(base64.b64decode(payload, validate=True)), np.uint8)
            found[int(keys["i"])] = raw.reshape(int(keys["v"]), int(keys["s"]), 3)
    return found


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (4, 9, 17), (1, 1, 1), (3, 5, 60)])
def test_what_is_sent_is_the_picture_pixel_by_pixel(shape: tuple[int, int, int]) -> None:
    held, said = sending()
    pictures = noise(3, *shape)
    cells = held.page(pictures, 8, 16)
    assert cells is not None
    images = decoded("".join(said))
    assert len(images) == 3
    for (number, image), pixels, strips in zip(images.items(), pictures, cells, strict=True):
        times = image.shape[0] // shape[1]
        plain = np.moveaxis(pixels, 0, -1)[..., :3] if shape[0] >= 3 else pixels[0][..., None].repeat(3, 2)
        assert (image == plain.repeat(times, 0).repeat(times, 1)).all()
        assert [strip.cell_length for strip in strips] == [16] * 8
        for row, strip in enumerate(strips):
            (segment,) = strip
            assert segment.text == "".join(PLACEHOLDER + MARKS[row] + MARKS[x] for x in range(16))
            assert segment.style is not None
            assert segment.style.color is not None
            assert segment.style.color.triplet is not None
            red, green, blue = segment.style.color.triplet
            assert red << 16 | green << 8 | blue == number


def test_a_picture_is_sent_once_and_old_ones_go() -> None:
    held, said = sending()
    first = noise(4, 1, 8, 8)
    one = held.page(first, 4, 8)
    size = len("".join(said))
    assert held.page(first, 4, 8) == one
    assert len("".join(said)) == size
    assert held.page(first, 5, 10) != one  # another size
    for n in range(5, 5 + KEPT // 40 + 1):
        held.page(noise(n + 40, 1, 4, 4), 4, 8)
    text = "".join(said)
    deleted = [int(n) for n in re.findall(r"a=d,d=I,q=2,i=(\d+)", text)]
    assert len(decoded(text)) - len(deleted) == KEPT
    assert deleted == sorted(deleted)
    left = {int(n) for n in re.findall(r"i=(\d+)", held.take_away())}
    assert left == set(decoded(text)) - set(deleted)
    assert held.take_away() == ""
    assert left == {int(n) for n in re.findall(r"i=(\d+)", held.farewell())}  # which may not have got there


def test_nothing_is_sent_where_nothing_may_be() -> None:
    held, said = sending()
    held.on = False
    assert held.page(noise(1, 1, 8, 8), 4, 8) is None
    held.on, held.write = True, None
    assert held.page(noise(1, 1, 8, 8), 4, 8) is None
    assert not said
    held.write = said.append
    assert held.page(noise(1, 1, 8, 8), 4, len(MARKS) + 1) is None
    assert not said


def test_large_pictures_are_sent_in_less_detail() -> None:
    """Noise is what compresses worst; a page of it stays within the budget, and its mean is kept."""
    held, said = sending()
    pictures = noise(8, 3, 300, 400)
    assert held.page(pictures, 14, 28) is not None
    assert len("".join(said)) < 1.1 * BUDGET
    for image in decoded("".join(said)).values():
        assert image.mean() == pytest.approx(127, abs=5)
        assert min(image.shape[:2]) >= 10


async def test_not_without_an_answer_and_not_under_a_popup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)
    from safetensors.numpy import save_file

    save_file({**good(), "pixels": np.stack(noise(4, 3, 28, 28))}, tmp_path / "batch")
    recording = Recording()
    async with driving(FakeSession(tmp_path, [*recording.until(1, 8), recording.preview("batch")])) as driver:
        await driver.settle()
        assert "▀" in driver.text("images")
        held = driver.app.graphics
        said: list[str] = []
        held.kitty.on, held.write = True, said.append
        await driver.press("n")
        assert PLACEHOLDER in driver.text("images")
        assert "▀" not in driver.text("images")
        await driver.press("s")
        assert PLACEHOLDER not in driver.text("images")
        await driver.press("escape")
        assert PLACEHOLDER in driver.text("images")
        before = set(decoded("".join(said)))
        await driver.press("ctrl+l")
        assert len(decoded("".join(said))) == 2 * len(before)


def test_the_samples_of_a_dataset_are_drawn_by_the_terminal_too() -> None:
    held, said = sending()
    pictures = Pictures(np.stack(noise(12, 1, 28, 28)), [i % 3 for i in range(12)])
    names = ["a", "b", "c"]
    drawn, pages = grid(pictures, names, Frame(80, 20, PALETTES["miniai-dark"]), drawn=held.page)
    plain, same = grid(pictures, names, Frame(80, 20, PALETTES["miniai-dark"]))
    assert pages == same
    assert len(drawn) == len(plain)
    assert [strip.cell_length for strip in drawn] == [80] * len(drawn)
    assert len(decoded("".join(said))) == 12 // pages
    assert "▀" not in "".join(strip.text for strip in drawn)
    assert PLACEHOLDER not in "".join(strip.text for strip in plain)
