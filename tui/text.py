"""Text for a terminal: made harmless, cut to a width, and numbers that keep their width.

Everything that comes from outside (label names, metric names, log lines, file names) goes through `clean` before
it reaches a terminal: a control character there could move the cursor or change the title.
"""

from __future__ import annotations

import math
import unicodedata

from rich.cells import cell_len, set_cell_size

__all__ = ["clean", "compact", "count", "cut", "duration", "fit", "metric", "percent", "rate", "size"]

_SPACES = dict.fromkeys(map(ord, "\t\n\r\v\f"), " ")


def clean(text: str, limit: int = 500) -> str:
    """One line without control, format, surrogate or private characters, at most `limit` characters long.

    Tabs and line ends become spaces; escape characters vanish, and what they introduced stays as plain text.
    """
    if text.isascii() and text.isprintable():
        return text[:limit]
    line = text[: 4 * limit].translate(_SPACES)
    return "".join(c for c in line if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})[:limit]


def cut(text: str, width: int) -> str:
    """`text` in at most `width` cells, with … where something was cut off."""
    if cell_len(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    return set_cell_size(text, width - 1).rstrip() + "…"


def fit(text: str, width: int, align: str = "<") -> str:
    """`text` in exactly `width` cells; `align` is "<", ">" or "^"."""
    text = cut(text, max(width, 0))
    room = max(width, 0) - cell_len(text)
    left = {"<": 0, ">": room, "^": room // 2}[align]
    return " " * left + text + " " * (room - left)


def count(number: int) -> str:
    """12480 as "12,480"."""
    return f"{number:,}"


def metric(value: float) -> str:
    """A metric or a loss in at most 8 cells; four decimals as long as they say something."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    size = abs(value)
    if size >= 1e5 or 0 < size < 1e-4:
        return f"{value:.1e}"
    decimals = 4 if size < 100 else 2 if size < 1000 else 1
    return f"{value:.{decimals}f}"


def compact(value: float, digits: int = 1) -> str:
    """A number for an axis: 0.05, 2.5, 150, 20k, 1e+9; the largest and smallest with `digits` digits."""
    size = abs(value)
    if size >= 1e9 or 0 < size < 1e-3:
        text = f"{value:.{digits - 1}e}".replace("e-0", "e-").replace("e+0", "e+")
        return text if digits == 1 else text.replace("+", "")  # the room of a sign for a digit
    if size >= 1e6:
        return f"{value / 1e6:.4g}M"
    if size >= 1e4:
        return f"{value / 1e3:.4g}k"
    return f"{value:.4g}"


def percent(share: float) -> str:
    """0.02 as "2 %"; NaN as "NaN"."""
    return "NaN" if math.isnan(share) else f"{100 * share:.0f} %"


def rate(per_second: float) -> str:
    """Images a second: "12,480", and with one decimal below ten."""
    return f"{per_second:.1f}" if per_second < 10 else f"{per_second:,.0f}"


def size(number: int) -> str:
    """Bytes as "1.2 MB"."""
    if number < 1_000_000:
        return f"{number / 1e3:.1f} kB" if number >= 1000 else f"{number} bytes"
    return f"{number / 1e6:.1f} MB" if number < 1_000_000_000 else f"{number / 1e9:.1f} GB"


def duration(seconds: float) -> str:
    """Seconds as "0:21", "12:03", "3:04:05" or "2 d 3 h"."""
    whole = max(0, round(seconds))
    minutes, secs = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} d {hours % 24} h"
    return f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes}:{secs:02}"
