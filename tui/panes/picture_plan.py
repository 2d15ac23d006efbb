"""How pictures lie in a pane: how large they are, and how many on a page."""

from __future__ import annotations

from tui.panes.preview import Preview

__all__ = ["CAPTION", "Plan", "plan"]

CAPTION = 2
"""Lines below a picture: its label, and what it was taken for where that is wrong."""
NARROWEST, NARROWER, LEAST = 11, 9, 4
"""Cells of the narrowest picture: a caption must say something; where too few could be seen, and where none."""
WANTED = 6
"""Pictures that should be seen at once if they can be large enough."""


class Plan:
    """How pictures lie in the pane."""

    def __init__(self, rows: int, columns: int, height: int, width: int, images: int) -> None:
        self.rows, self.columns, self.height, self.width = rows, columns, height, width
        self.each = rows * columns
        """Pictures on a page."""
        self.pages = max(-(-images // self.each), 1)


def plan(preview: Preview, width: int, height: int) -> Plan | None:
    """The largest pictures of which enough fit, in their proportions; None if the pane is too small for one.

    Pictures too narrow for a caption are taken only if no others fit.
    """
    enough = min(WANTED, len(preview.pixels))
    held = _plan(preview, width, height, NARROWEST)
    if held is None or held.each < enough:
        more = _plan(preview, width, height, NARROWER)
        held = more if more is not None and (held is None or more.each >= enough) else held
    return held or _plan(preview, width, height, LEAST)


def _plan(preview: Preview, width: int, height: int, narrowest: int) -> Plan | None:
    n, _, tall, wide = preview.pixels.shape
    best: Plan | None = None
    for cells in range(min(max(height - CAPTION, 0), tall), 2, -1):
        across = max(round(2 * cells * wide / tall), 1)
        rows, columns = height // (cells + CAPTION), (width + 1) // (across + 1)
        if rows < 1 or columns < 1 or across < narrowest:
            continue
        columns -= columns % 2 if preview.words and columns > 1 else 0  # pairs stay together
        found = Plan(rows, min(columns, n), cells, across, n)
        if best is None or best.each < min(WANTED, n):
            best = found if best is None or found.each > best.each else best
    return best
