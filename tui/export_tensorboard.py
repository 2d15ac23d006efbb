"""A run as TensorBoard's events: every value of its series, at its step and its wall-clock time."""

from __future__ import annotations

import re
from collections.abc import Iterator

from miniai.errors import UsageError
from tui.export_facts import Points, RunFacts
from tui.export_files import Place, whole_file
from tui.text import clean
from tui.tfevents import EventWriter

__all__ = ["write_tensorboard"]

AT_ONCE = 16_384
"""Values of a series that are gathered before they are written: one call for many costs little more than for one."""


def write_tensorboard(facts: RunFacts, place: Place) -> int:
    """Write one event file into the folder; returns how many values it holds.

    UsageError if there are event files there, and nothing was said of replacing them: readers would mix them.
    """
    start = facts.start
    assert start is not None
    host = re.sub(r"[^\w.-]", "_", clean(start.host, 60)) or "host"
    name = f"events.out.tfevents.{max(int(start.wall), 0):010d}.{host}.{re.sub(r'[^-.0-9A-Za-z]', '_', facts.run.id)}"
    folder = place.folder([name])
    if others := [p for p in folder.glob("events.out.tfevents.*") if p.name != name]:
        raise UsageError(f"{others[0]} is another run's: name an empty folder with --output")
    count = 0
    with whole_file(folder / name) as file:
        writer = EventWriter(file, start.wall)
        for tag, steps, walls, values in _gathered(facts):
            writer.scalars(tag, steps, walls, values)
            count += len(steps)
    place.written.append(folder / name)
    return count


def _gathered(facts: RunFacts) -> Iterator[tuple[str, list[int], list[float], list[float]]]:
    """Tag, steps, wall-clock times and values, many at a time."""
    waiting: dict[str, tuple[list[int], list[float], list[float]]] = {}
    offsets = [*facts.wall()]
    offset = offsets.pop(0)[1]
    for fact in facts.points():
        if not isinstance(fact, Points):
            while offsets and fact.at >= offsets[0][0]:
                offset = offsets.pop(0)[1]
            continue
        steps, walls, values = waiting.setdefault(fact.series, ([], [], []))
        steps.extend(fact.steps)
        walls.extend(at + offset for at in fact.times)
        values.extend(map(float, fact.values))
        if len(steps) >= AT_ONCE:
            yield fact.series, *waiting.pop(fact.series)
    for series, held in waiting.items():
        yield series, *held
