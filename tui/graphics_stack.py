"""Which cells that ask for pictures become one sixel picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tui.graphics import Sixels
from tui.graphics_read import Asked, Part

__all__ = ["stacked"]


def stacked(asked: Iterable[Asked], sizes: Sixels) -> Iterator[list[Asked]]:
    """Lines that lie below one another, together no larger than the terminal takes: each becomes one sixel picture.

    So a row of pictures is one, if it can be: xterm keeps no more than 16.
    """
    high, wide = max(sizes.largest[0] // sizes.cell[0], 1), max(sizes.largest[1] // sizes.cell[1], 1)
    begun: dict[tuple[int, int], list[Asked]] = {}
    lines = (part for line in asked for part in _cut(line, wide))
    for line in sorted(lines, key=lambda line: (line.y, line.x)):
        place = line.x, line.width
        block = begun.get(place)
        if block is not None and block[-1].y == line.y - 1 and block[0].ground == line.ground and len(block) < high:
            block.append(line)
            continue
        if block is not None:
            yield block
        begun[place] = [line]
    yield from begun.values()


def _cut(line: Asked, wide: int) -> Iterator[Asked]:
    """Parts of a line that are no wider, cut between pictures where that can be."""
    mine: list[Part] = []
    for part in line.parts:
        if mine and part.at + part.width - mine[0].at > wide:
            yield _moved(line, mine)
            mine = []
        for left in range(0, part.width, wide):  # a picture may be wider by itself
            if left:
                yield _moved(line, mine)
                mine = []
            rest = min(wide, part.width - left)
            mine.append(part._replace(at=part.at + left, column=part.column + left, width=rest))
    if mine:
        yield _moved(line, mine)


def _moved(line: Asked, parts: list[Part]) -> Asked:
    start = parts[0].at
    return Asked(line.y, line.x + start, tuple(part._replace(at=part.at - start) for part in parts), line.ground)
