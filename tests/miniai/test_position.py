"""Where a fit goes on: which halves are behind, and where the loader stands when the random state is put back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from miniai.position import Position, Start, count, lengths

ORDER = [(epoch, training) for epoch in range(3) for training in (True, False)]
"""The halves of three epochs, training first."""


@pytest.mark.parametrize("at", ORDER)
@pytest.mark.parametrize("over", [False, True])
def test_what_is_behind_and_where_it_goes_on(at: tuple[int, bool], over: bool) -> None:
    start = Start(Position(*at, batch=2, over=over))
    here = ORDER.index(at)
    assert [start.passed(*half) for half in ORDER] == [i < here or (i == here and over) for i in range(len(ORDER))]
    assert [start.within(*half) for half in ORDER] == [i == here and not over for i in range(len(ORDER))]


@pytest.mark.parametrize("fetched", [False, True])
@pytest.mark.parametrize("quick", [False, True])
def test_the_random_state_is_put_back_where_the_loader_stood(fetched: bool, quick: bool) -> None:
    """A batch that the loader had made already is made before that: it has drawn its random numbers."""
    made: list[object] = []

    class Slow:
        def __iter__(self) -> Iterator[str]:
            return self._from(0)

        def _from(self, first: int) -> Iterator[str]:
            for i in range(first, 5):
                made.append(i)
                yield f"batch {i}"

    class Quick(Slow):
        def iter_from(self, first: int) -> Iterator[str]:
            return self._from(first)

    start = Start(Position(0, True, 2, fetched=fetched), lambda: made.append("settled"))
    left = list(start.batches(Quick() if quick else Slow()))
    assert left == [(i, f"batch {i}") for i in (2, 3, 4)]
    assert made.index("settled") == (0 if quick else 2) + fetched
    assert [i for i in made if i != "settled"] == ([2, 3, 4] if quick else [0, 1, 2, 3, 4])


def test_what_has_no_length_is_never_over() -> None:
    assert count([1, 2]) == 2
    assert count(iter([1, 2])) > 10**9

    class Loaders:
        train, valid = [1, 2, 3], iter([1])

    assert lengths(Loaders()) == (3, 0)
    assert lengths(object()) == (0, 0)
