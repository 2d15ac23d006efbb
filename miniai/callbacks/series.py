"""Points of a series as `Scalars` facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from miniai.run.events import Scalars, number

__all__ = ["scalars"]


def scalars(name: str, points: Iterable[tuple[int, float]], now: Callable[[], float]) -> Iterator[Scalars]:
    """As few facts as hold the (step, value) points: one for each stretch of evenly spaced steps."""
    stretch: list[tuple[int, float]] = []
    for step, value in points:
        fits = len(stretch) < 2 or step - stretch[-1][0] == stretch[1][0] - stretch[0][0]
        if stretch and (not fits or step <= stretch[-1][0]):
            yield _fact(name, stretch, now())
            stretch = []
        stretch.append((step, value))
    if stretch:
        yield _fact(name, stretch, now())


def _fact(name: str, stretch: list[tuple[int, float]], at: float) -> Scalars:
    stride = stretch[1][0] - stretch[0][0] if len(stretch) > 1 else 1
    return Scalars(at=at, name=name, first=stretch[0][0], values=[number(v) for _, v in stretch], stride=stride)
