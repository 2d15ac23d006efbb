"""Which measurements stand in which cells of a row, so that few fill it as well as many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Columns", "fit_columns"]


@dataclass(frozen=True, eq=False)
class Columns:
    """Shown columns, oldest first: each holds one measurement or several, and is one cell wide or several."""

    starts: NDArray[np.int64]
    """(columns,) the first measurement of each."""
    ends: NDArray[np.int64]
    """(columns,) one past the last of each."""
    edges: NDArray[np.int64]
    """(columns + 1,) the cell where each begins, and where the last one ends."""

    @property
    def widths(self) -> NDArray[np.int64]:
        """(columns,) cells of each."""
        return np.diff(self.edges)

    @property
    def single(self) -> bool:
        """Whether each column holds one measurement."""
        return len(self.starts) == (int(self.ends[-1]) if len(self.ends) else 0)

    @property
    def cells(self) -> int:
        """Cells that all take."""
        return int(self.edges[-1])

    def at(self, cell: int) -> int:
        """The column that stands in a cell, or the nearest one; there must be one."""
        found = int(np.searchsorted(self.edges, cell, side="right")) - 1
        return min(max(found, 0), len(self.starts) - 1)


def fit_columns(used: int, room: int, whole: bool = False) -> Columns:
    """So many measurements in at most `room` cells, at least 1; nothing is left out and nothing made up.

    Where there are fewer measurements than cells, each takes an equal share of the cells, to one cell; else each cell
    takes an equal share of the measurements, to one. Eight ninths of the room are filled at least, all of it with
    `whole`: the shares grow in steps, so that a new measurement seldom moves those before it.
    """
    room = max(room, 1)
    places = used if whole else _stepped(used)
    if places <= room:
        starts = np.arange(used)
        return Columns(starts, starts + 1, np.arange(used + 1) * room // max(places, 1))
    edges = np.arange(room + 1) * places // room
    starts = edges[:-1][edges[:-1] < used]
    return Columns(starts, np.minimum(edges[1 : len(starts) + 1], used), np.arange(len(starts) + 1))


def _stepped(number: int) -> int:
    """The next number from `number` on of which only the four leading bits count."""
    low = max(number.bit_length() - 4, 0)
    return -(-number >> low) << low
