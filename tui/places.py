"""Which pane stands at which place: an order of all panes, of which as many are seen as the layout has places."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["PANES", "filled", "other", "swapped"]

PANES = ("loss", "metrics", "layers", "images", "system", "log", "confusion", "details")
"""Ids of all panes, as they stand at first: from left to right, row by row."""


def filled(order: Sequence[str]) -> tuple[str, ...]:
    """All panes: first those of `order`, then the others as they stand at first; what is no pane is left out."""
    known = dict.fromkeys(id_ for id_ in order if id_ in PANES)
    return (*known, *(id_ for id_ in PANES if id_ not in known))


def swapped(order: Sequence[str], pane: str, by: int, places: int) -> tuple[str, ...]:
    """`pane` changes places with the one `by` places further; after the last place comes the first."""
    at = order.index(pane)
    if at >= places:
        return tuple(order)
    there = (at + by) % places
    moved = list(order)
    moved[at], moved[there] = moved[there], moved[at]
    return tuple(moved)


def other(order: Sequence[str], pane: str, places: int) -> tuple[str, ...]:
    """The next pane without a place takes that of `pane`, which is the last to come back."""
    at = order.index(pane)
    if at >= places or len(order) <= places:
        return tuple(order)
    return (*order[:at], order[places], *order[at + 1 : places], *order[places + 1 :], pane)
