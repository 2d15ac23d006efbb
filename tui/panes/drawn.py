"""How pictures come into cells: drawn by the terminal where it can, else in half blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from textual.strip import Strip

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tui.graphics_pictures import TerminalPictures
    from tui.panes.base import Pane

__all__ = ["PICTURES", "Drawn", "by_terminal", "in_cells", "slowed"]

PICTURES = "pictures"
"""The class of widgets with pictures: they are drawn anew when a popup comes or goes."""
Drawn: TypeAlias = "Callable[[Sequence[NDArray[np.uint8]], int, int], list[list[Strip]] | None]"
"""Draws pictures (channels, height, width) in so many rows and columns of cells each; None if it cannot."""


def by_terminal(pane: Pane) -> Drawn | None:
    """What has the terminal draw the pictures of `pane`; None where it cannot.

    Not under a popup: it dims what lies below, and the colour of such a cell is the picture's number.
    """
    held: TerminalPictures | None = getattr(pane.app, "graphics", None)
    colors = pane.look.depth == "truecolor" and not pane.app.no_color
    return held.page if held is not None and colors and pane.app.screen is pane.screen else None


def slowed(pane: Pane) -> float:
    """How many times rarer than half blocks pictures are to be shown, for the bytes they take."""
    held: TerminalPictures | None = getattr(pane.app, "graphics", None)
    return held.slowed if held is not None else 1.0


def in_cells(
    pixels: Sequence[NDArray[np.uint8]], rows: int, columns: int, drawn: Drawn | None = None
) -> list[list[Strip]]:
    """The strips of each picture, in half blocks unless `drawn` draws them."""
    from tui.panes.thumbs import half_blocks, resize  # numpy: not before the first frame

    strips = drawn(pixels, rows, columns) if drawn is not None else None
    return strips or [half_blocks(resize(picture, 2 * rows, columns)) for picture in pixels]
