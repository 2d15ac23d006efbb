"""Pictures as sixels: they stand where their cells are, whatever was drawn over them meanwhile, and nowhere else."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyte import Stream
from rich.console import Console
from rich.segment import Segment
from textual.strip import Strip

from tests.tui.canvas import Canvas, shown
from tests.tui.sixel_decoder import SIXEL, Decoded
from tui.colors import style
from tui.graphics import Sixels
from tui.graphics_cells import PLACEHOLDER
from tui.graphics_sixel import BUDGET, KEPT, TURN, SixelPictures
from tui.panes.lines import blank

CONSOLE = Console(color_system="truecolor", force_terminal=True)
GROUND = (13, 17, 23)
WIDTH, HEIGHT = 60, 24
ROWS, COLUMNS, GAP = 4, 8, 2
Picture = NDArray[np.uint8]


def noise(n: int, *shape: int) -> list[Picture]:
    return list(np.random.default_rng(n).integers(0, 255, (n, *shape), np.uint8))


def plain(n: int, *shape: int) -> list[Picture]:
    """Of few colours, which are kept exactly."""
    rng = np.random.default_rng(n)
    colors = rng.integers(0, 256, (9, shape[0]), np.uint8)
    return list(np.moveaxis(colors[rng.integers(0, 9, (n, *shape[1:]))], -1, 1))


class Glass:
    """A terminal, and the frames that go to it."""

    def __init__(self, cell: tuple[int, int] = (20, 10), **sizes: object) -> None:
        self.canvas = Canvas(WIDTH, HEIGHT, cell)
        self._stream = Stream(self.canvas)
        self.held = SixelPictures(lambda: HEIGHT)
        self.held.sizes = Sixels(cell, **sizes)  # type: ignore[arg-type]  # its fields
        self.held.write = self.take
        self.bytes = 0

    def take(self, text: str) -> None:
        """What the terminal is sent."""
        self.bytes += len(text)
        assert PLACEHOLDER not in text
        at = 0
        for code in SIXEL.finditer(text):
            self._stream.feed(text[at : code.start()])
            self.canvas.paint(code.group())
            at = code.end()
        self._stream.feed(text[at:])

    def send(self, lines: list[Strip], y: int, x: int = 0, end: int | None = None) -> None:
        """The cells from `x` to `end` of lines, as one frame of Textual's."""
        ground = style(bg=GROUND)
        crops = (line.crop(x, end).apply_style(ground).render(CONSOLE) for line in lines)
        self.take(self.held.translated("\n".join(f"\x1b[{y + i + 1};{x + 1}H{text}" for i, text in enumerate(crops))))


def beside(blocks: list[list[Strip]], caption: str = "Ankle boot") -> list[Strip]:
    """Pictures side by side, each with a caption below."""
    words = Strip([Segment(f"{caption:{COLUMNS}.{COLUMNS}}")], COLUMNS)
    parts = [*zip(*blocks, strict=True), (words,) * len(blocks)]
    return [Strip.join([s for strip in row for s in (strip, blank(GAP))][:-1]) for row in parts]


def expected(canvas: Canvas, pictures: list[Picture], y: int, x: int) -> NDArray[np.int16]:
    """What `beside` must look like."""
    tall, wide = canvas.cell
    pixels = np.full_like(canvas.pixels, -1)
    box = ROWS * tall, COLUMNS * wide
    ground = (np.array(GROUND) * 100 + 127) // 255
    left = x * wide
    pixels[y * tall : y * tall + box[0], left : left + (len(pictures) * (COLUMNS + GAP) - GAP) * wide] = ground
    for picture in pictures:
        share = min(box[0] / picture.shape[1], box[1] / picture.shape[2])
        size = int(picture.shape[1] * share + 1e-6), int(picture.shape[2] * share + 1e-6)
        top, side = y * tall + (box[0] - size[0]) // 2, left + (box[1] - size[1]) // 2
        pixels[top : top + size[0], side : side + size[1]] = shown(picture, *size)
        left += (COLUMNS + GAP) * wide
    return pixels


@pytest.mark.parametrize("cell", [(20, 10), (17, 8), (16, 8), (19, 10), (41, 20), (9, 4)])
@pytest.mark.parametrize("shape", [(1, 7, 7), (3, 4, 9), (4, 9, 4), (1, 1, 1), (3, 28, 28)])
def test_pictures_stand_in_the_middle_of_their_cells_in_their_proportions(
    cell: tuple[int, int], shape: tuple[int, int, int]
) -> None:
    glass, pictures = Glass(cell), plain(3, *shape)
    strips = glass.held.page(pictures, ROWS, COLUMNS)
    assert strips is not None
    glass.send(beside(strips), 3)
    right = expected(glass.canvas, pictures, 3, 0)
    assert (glass.canvas.pixels == right).all()
    assert len(glass.canvas.sixels) == 1  # all side by side: xterm keeps few
    assert "Ankle bo  Ankle bo" in glass.canvas.display[7]
    assert not glass.canvas.wrong


RECTANGLES = st.tuples(st.integers(0, 8), st.integers(0, 50), st.integers(1, 8), st.integers(1, 30))


@settings(max_examples=40, deadline=None)
@given(st.lists(RECTANGLES, min_size=1, max_size=5), st.sampled_from([(10, 5), (9, 4)]), st.integers(5, 90))
def test_whatever_lay_over_them_they_are_whole_again(
    covered: list[tuple[int, int, int, int]], cell: tuple[int, int], largest: int
) -> None:
    """Text over some cells leaves the others; and when it goes, they are as they were."""
    glass, pictures = Glass(cell, largest=(largest * 2, largest * 4)), plain(4, 3, 5, 5)
    strips = glass.held.page(pictures, ROWS, COLUMNS)
    assert strips is not None
    lines = [*beside(strips), blank(WIDTH), *beside(list(reversed(strips)))]
    lines = [line.adjust_cell_length(WIDTH) for line in lines]
    glass.send(lines, 1)
    right = expected(glass.canvas, pictures, 1, 0)
    below = expected(glass.canvas, pictures[::-1], 1 + ROWS + 2, 0)
    right = np.maximum(right, below)
    drawn = glass.canvas.pixels.copy()
    ground = (np.array(GROUND) * 100 + 127) // 255
    gaps = (drawn[..., 0] < 0) & (right == ground).all(2)  # a small terminal's pictures are cut in the gaps
    assert ((drawn == right).all(2) | gaps).all()
    limit = max(largest * 2, cell[0]), max(largest * 4, cell[1])
    assert all(height <= limit[0] and width <= limit[1] for height, width in glass.canvas.sixels)
    for y, x, height, width in covered:
        hidden = glass.canvas.pixels.copy()
        for row in range(y, y + height):
            glass.take(f"\x1b[{row + 1};{x + 1}H" + "#" * min(width, WIDTH - x))
        hidden[y * cell[0] : (y + height) * cell[0], x * cell[1] : (x + width) * cell[1]] = -1
        assert (glass.canvas.pixels == hidden).all()
        seen = lines[max(y - 1, 0) : max(y - 1 + height, 0)]
        if seen:
            glass.send(seen, max(y, 1), x, min(x + width, WIDTH))
        if y == 0:
            glass.take("\x1b[1;1H" + " " * WIDTH)
        assert ((glass.canvas.pixels == right).all(2) | (glass.canvas.pixels[..., 0] < 0)).all()
        missing = (glass.canvas.pixels[..., 0] < 0) & (right[..., 0] >= 0)
        assert (right[missing] == ground).all()
    assert not glass.canvas.wrong


def test_nothing_is_sent_again_without_need() -> None:
    glass, pictures = Glass(), noise(3, 1, 9, 9)
    frame = "\x1b[3;4H\x1b[31mloss 0.5\x1b[0m"
    assert glass.held.translated(frame) is frame
    strips = glass.held.page(pictures, ROWS, COLUMNS)
    assert glass.held.translated(frame) is frame
    assert strips is not None
    glass.send(beside(strips), 2)
    assert glass.held.page(pictures, ROWS, COLUMNS) == strips  # what does not change is not drawn
    sent = glass.bytes
    glass.send(beside(strips)[-1:], 6)  # other captions
    assert glass.bytes - sent < 500
    assert len(glass.canvas.sixels) == 1


def test_one_new_picture_among_others_is_sent_alone() -> None:
    glass, pictures = Glass(), plain(4, 1, 8, 8)
    strips = glass.held.page(pictures[:3], ROWS, COLUMNS)
    assert strips is not None
    glass.send(beside(strips), 2)
    others = glass.held.page([pictures[0], pictures[3], pictures[2]], ROWS, COLUMNS)
    assert others is not None
    assert [a == b for a, b in zip(strips, others, strict=True)] == [True, False, True]
    glass.send(beside(others), 2, COLUMNS + GAP, 2 * COLUMNS + GAP)
    right = expected(glass.canvas, [pictures[0], pictures[3], pictures[2]], 2, 0)
    assert (glass.canvas.pixels == right).all()
    assert glass.canvas.sixels[-1] == (ROWS * 20, COLUMNS * 10)


def test_never_in_the_last_row() -> None:
    """Many terminals would scroll."""
    glass, pictures = Glass(), plain(2, 1, 8, 8)
    strips = glass.held.page(pictures, ROWS, COLUMNS)
    assert strips is not None
    glass.send(beside(strips)[:ROWS], HEIGHT - ROWS)
    assert not glass.canvas.wrong
    assert glass.canvas.sixels == [((ROWS - 1) * 20, (2 * COLUMNS + GAP) * 10)]
    glass.send(beside(strips)[:ROWS], HEIGHT - ROWS - 1)
    assert not glass.canvas.wrong
    assert glass.canvas.sixels[-1][0] == ROWS * 20


def test_no_more_than_they_are_asked_to_be() -> None:
    """Large pictures are sent in less detail, and not at all where half blocks would show more."""
    glass = Glass(colors=16)
    strips = glass.held.page(noise(4, 3, 300, 300), 16, 14)
    assert strips is not None
    sent = "".join(
        glass.held.translated(f"\x1b[1;1H{line.apply_style(style(bg=GROUND)).render(CONSOLE)}")
        for strip in strips
        for line in strip
    )
    codes = [match.group() for match in SIXEL.finditer(sent)]
    assert len(codes) == 4 * 16
    assert all(len(Decoded(code).colors) <= 16 for code in codes)
    assert glass.held.page(noise(8, 3, 300, 300), 60, 100) is None
    assert glass.held.page(noise(2, 1, 28, 28), 60, 100) is not None
    assert glass.held.page(noise(1, 1, 8, 8), 4, 500) is None
    assert glass.held.page(noise(KEPT + 1, 1, 1, 1), 3, 6) is None


@pytest.mark.parametrize(("n", "side", "rows"), [(8, 28, 6), (6, 32, 13), (6, 300, 13), (24, 28, 8), (2, 600, 20)])
def test_bytes_of_a_page_of_noise(n: int, side: int, rows: int) -> None:
    """The worst that a page can be; what it costs says how seldom new ones are shown."""
    glass = Glass()
    assert glass.held.slowed == 1
    strips = glass.held.page(noise(n, 3, side, side), rows, 2 * rows)
    assert strips is not None
    frame = "".join(
        f"\x1b[{y + 1};{x * 2 * rows + 1}H{line.apply_style(style(bg=GROUND)).render(CONSOLE)}"
        for x, strip in enumerate(strips)
        for y, line in enumerate(strip)
    )
    sent = sum(len(match.group()) for match in SIXEL.finditer(glass.held.translated(frame)))
    assert sent < 1.35 * BUDGET
    assert glass.held.slowed == -(-sent // TURN)


def test_nothing_where_nothing_may_be() -> None:
    glass, pictures = Glass(), plain(1, 1, 8, 8)
    strips = glass.held.page(pictures, ROWS, COLUMNS)
    assert strips is not None
    sizes, glass.held.sizes = glass.held.sizes, None
    assert glass.held.page(pictures, ROWS, COLUMNS) is None
    glass.send(beside(strips), 2)  # cells of before: blanks
    assert not glass.canvas.drawn
    glass.held.sizes, glass.held.write = sizes, None
    assert glass.held.page(pictures, ROWS, COLUMNS) is None
    glass.held.write = glass.take
    glass.held.forget()
    glass.send(beside(strips), 2)
    assert not glass.canvas.drawn
    again = glass.held.page(pictures, ROWS, COLUMNS)
    assert again is not None
    assert again != strips
    glass.send(beside(again), 2)
    assert glass.canvas.drawn


def test_old_pictures_are_forgotten() -> None:
    glass = Glass()
    first = glass.held.page(plain(4, 1, 8, 8), ROWS, COLUMNS)
    for n in range(5, 5 + KEPT // 40 + 1):
        assert glass.held.page(noise(n + 40, 1, 4, 4), ROWS, COLUMNS) is not None
    assert glass.held.page(plain(4, 1, 8, 8), ROWS, COLUMNS) != first
    assert re.fullmatch("<.*>", repr(glass.held))
