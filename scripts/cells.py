"""A picture of the screen as a terminal would show it: every cell at its place, lines and blocks without gaps.

`paint(cells(svg))` turns what `App.export_screenshot` gives into an image. An SVG needs the fonts of
whoever looks at it; an image looks the same everywhere, and is smaller. The font is the one that comes with matplotlib.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

from PIL import Image, ImageDraw, ImageFont

__all__ = ["Cell", "cells", "paint"]

WIDTH, HEIGHT = 9, 19
"""Pixels of a cell."""
POINTS = 15
SVG_WIDTH, SVG_HEIGHT = 12.2, 24.4
"""Units of a cell in Rich's SVG."""
LINES = {
    "─": "lr", "│": "ud", "╭": "rd", "╮": "ld", "╰": "ru", "╯": "lu", "┌": "rd", "┐": "ld", "└": "ru", "┘": "lu",
    "├": "udr", "┤": "udl", "┬": "lrd", "┴": "lru", "┼": "lrud", "━": "lr", "╸": "l", "╺": "r", "╴": "l", "╶": "r",
}  # fmt: skip
"""To which sides a line is drawn from the middle of the cell."""
HEAVY = "━╸╺"
BLOCKS = {
    "█": (0, 0, 8, 8), "▀": (0, 0, 8, 4), "▐": (4, 0, 8, 8), "▔": (0, 0, 8, 1), "▕": (7, 0, 8, 8),
    **{c: (0, 8 - n, 8, 8) for n, c in enumerate("▁▂▃▄▅▆▇", 1)},
    **{c: (0, 0, n, 8) for n, c in zip(range(7, 0, -1), "▉▊▋▌▍▎▏", strict=True)},
}  # fmt: skip
"""Filled parts of a cell: left, top, right, bottom, in eighths."""
DOTS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
"""Column and row of the bits of a Braille sign."""


@dataclass(frozen=True)
class Cell:
    """One sign in its colours, "#rrggbb"."""

    sign: str = " "
    color: str = "#c5c8c6"
    back: str = ""
    bold: bool = False


def cells(svg: str, size: tuple[int, int], back: str) -> list[list[Cell]]:
    """Rows of cells of a screenshot of `size` columns and rows; `back` is the colour where it has none."""
    looks = {
        name: (fill, "bold" in rest)
        for name, fill, rest in re.findall(r"\.(terminal-\S+-r\d+) \{ fill: (#\w{6})([^}]*)\}", svg)
    }
    columns, rows = size
    grid = [[Cell(back=back)] * columns for _ in range(rows)]
    group = next(g for g in ET.fromstring(svg).iter() if g.get("clip-path", "").endswith("clip-terminal)"))
    for item in group.iter():
        if item.tag.endswith("rect") and "fill" in item.attrib:
            x, y, wide = (float(item.attrib[name]) for name in ("x", "y", "width"))
            for column in range(round(x / SVG_WIDTH), round((x + wide) / SVG_WIDTH)):
                _put(grid, column, round((y - 1.5) / SVG_HEIGHT), Cell(back=item.attrib["fill"]))
        elif item.tag.endswith("text") and item.text:
            fill, bold = looks[item.attrib["class"].split()[-1]]
            row = int(float(item.attrib["y"]) / SVG_HEIGHT)
            for at, sign in enumerate(item.text.replace("\xa0", " "), round(float(item.attrib["x"]) / SVG_WIDTH)):
                if at < columns and row < rows:
                    _put(grid, at, row, Cell(sign, fill, grid[row][at].back, bold))
    return grid


def _put(grid: list[list[Cell]], column: int, row: int, cell: Cell) -> None:
    if 0 <= row < len(grid) and 0 <= column < len(grid[row]):
        grid[row][column] = cell


def paint(grid: list[list[Cell]]) -> Image.Image:
    """The cells as an image, with a palette where that loses nothing."""
    image = Image.new("RGB", (WIDTH * len(grid[0]), HEIGHT * len(grid)))
    draw = ImageDraw.Draw(image)
    for row, line in enumerate(grid):
        for column, cell in enumerate(line):
            x, y = column * WIDTH, row * HEIGHT
            draw.rectangle((x, y, x + WIDTH - 1, y + HEIGHT - 1), fill=cell.back)
            if cell.sign == " ":
                continue
            if not _drawn(draw, x, y, cell):
                image.paste(Image.new("RGB", (WIDTH, HEIGHT), cell.color), (x, y), _letter(cell.sign, cell.bold))
    few = image.getcolors(256) is not None
    return image.convert("P", palette=Image.Palette.ADAPTIVE, colors=256) if few else image


@cache
def _font(bold: bool) -> ImageFont.FreeTypeFont:
    import matplotlib

    name = "DejaVuSansMono-Bold.ttf" if bold else "DejaVuSansMono.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name), POINTS)


@cache
def _letter(sign: str, bold: bool) -> Image.Image:
    """The sign's mask; few greys at its edges make a small file."""
    mask = Image.new("L", (WIDTH, HEIGHT))
    ImageDraw.Draw(mask).text((0, 14), sign, fill=255, font=_font(bold), anchor="ls")
    return mask.point([min(round(grey / 64) * 64, 255) for grey in range(256)])


def _drawn(draw: ImageDraw.ImageDraw, x: int, y: int, cell: Cell) -> bool:
    """Signs that must meet, drawn as a terminal does; False for all others."""
    if cell.sign in BLOCKS:
        left, top, right, bottom = BLOCKS[cell.sign]
        box = (x + left * WIDTH // 8, y + top * HEIGHT // 8, x + right * WIDTH // 8 - 1, y + bottom * HEIGHT // 8 - 1)
        draw.rectangle(box, fill=cell.color)
    elif cell.sign in LINES:
        _lines(draw, x, y, cell)
    elif "\u2800" <= cell.sign <= "\u28ff":
        for bit, (column, row) in enumerate(DOTS):
            if (ord(cell.sign) - 0x2800) >> bit & 1:
                left, top = x + 1 + column * 5, y + 1 + row * 5
                draw.rectangle((left, top, left + 1, top + 1), fill=cell.color)
    else:
        return False
    return True


def _lines(draw: ImageDraw.ImageDraw, x: int, y: int, cell: Cell) -> None:
    middle, center = x + WIDTH // 2, y + HEIGHT // 2
    thick = 3 if cell.sign in HEAVY else 1
    ends = {"l": (x, center), "r": (x + WIDTH - 1, center), "u": (middle, y), "d": (middle, y + HEIGHT - 1)}
    for side in LINES[cell.sign]:
        draw.line([(middle, center), ends[side]], fill=cell.color, width=thick)
