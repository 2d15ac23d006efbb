"""Columns of the heatmap: all that is held is shown, none of it twice, and the room is used."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tui.layer_columns import fit_columns


@given(st.integers(1, 600), st.integers(1, 300), st.booleans())
def test_each_measurement_is_in_one_column_and_the_room_is_filled(used: int, room: int, whole: bool) -> None:
    columns = fit_columns(used, room, whole)
    assert columns.starts[0] == 0
    assert columns.ends[-1] == used
    assert columns.starts[1:].tolist() == columns.ends[:-1].tolist()
    assert (columns.ends > columns.starts).all()
    assert columns.edges[0] == 0
    assert columns.widths.min() >= 1
    assert room * (1.0 if whole else 8 / 9) - 1 < columns.cells <= room
    if whole:
        assert np.ptp(columns.ends - columns.starts) <= 1
        assert np.ptp(columns.widths) <= 1
    else:
        assert np.ptp((columns.ends - columns.starts)[:-1]) <= 1 if len(columns.starts) > 1 else True


@given(st.integers(1, 300))
def test_a_new_measurement_seldom_moves_those_before_it(room: int) -> None:
    moved = 0
    for used in range(16, 256):
        before, after = fit_columns(used, room), fit_columns(used + 1, room)
        n = len(before.starts) - 1  # the last column may take it in
        same = before.starts[:n].tolist() == after.starts[:n].tolist()
        moved += not (same and before.edges[: n + 1].tolist() == after.edges[: n + 1].tolist())
    assert moved <= 32


@given(st.integers(1, 300), st.integers(1, 120))
def test_a_cell_is_in_the_column_that_is_drawn_there(used: int, room: int) -> None:
    columns = fit_columns(used, room)
    for column, (first, end) in enumerate(pairwise(columns.edges.tolist())):
        assert {columns.at(cell) for cell in range(first, end)} == {column}
    assert columns.at(-5) == 0
    assert columns.at(10**6) == len(columns.starts) - 1


def test_nothing_has_no_columns() -> None:
    assert fit_columns(0, 50).cells == 0
    assert len(fit_columns(0, 50).starts) == 0
