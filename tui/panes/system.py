"""The machine: graphics cards, processors, memory and disk now, with a short history of each."""

from __future__ import annotations

import math
from typing import ClassVar, NamedTuple

from textual.strip import Strip

from miniai.run.machine import GpuKind, GpuUse, Machine
from tui.colors import Palette, style
from tui.panes.base import ScrollPane
from tui.panes.lines import Frame, Part, blank, ends, line, message, pad
from tui.panes.spark import spark
from tui.state.run import RunState, Section
from tui.state.system import System
from tui.text import clean, fit, percent

__all__ = ["SystemPane", "system"]

NAME, VALUE = 14, 26
"""Cells of a row's name and of its number."""
LONGEST = 90
"""Cells of the longest sparkline."""
GIB = 1024
SLOW = 0.3
"""Share of the time spent waiting for data from which it is called so."""
HOT = 90
"""Degrees from which a GPU is called hot."""


class SystemPane(ScrollPane):
    """One line for each number; scrolls where there are more than lines."""

    sections: ClassVar[tuple[Section, ...]] = ("system",)
    every: ClassVar[float] = 2.0
    key: ClassVar[str] = "5"

    def heading(self, state: RunState) -> str:
        """The title."""
        if state.system.now is None:
            return "system"
        return "system ─ where the trainer runs" + (", as it was at the end" if state.over else "")

    def draw(self, state: RunState, frame: Frame) -> list[Strip]:
        """The lines from the scrolled one on."""
        lines = system(state, frame)
        self.offset_rows = min(max(self.offset_rows, 0), max(len(lines) - frame.height, 0))
        return pad(lines[self.offset_rows :], frame.width, frame.height)


class _Row(NamedTuple):
    """One number."""

    name: str
    key: str
    """Of its history."""
    top: float
    """What a whole bar stands for; 0: not known."""
    text: str
    bad: str = ""
    """Why it is marked, in words."""


def system(state: RunState, frame: Frame) -> list[Strip]:
    """All lines, however many there are."""
    held, colors, width = state.system, frame.colors, frame.width
    if held.now is None or held.machine is None:
        over = "this run did not record what its machine was doing"
        text = over if state.over else "processors, memory and graphics cards: from the first seconds of training on"
        return message([text], frame)
    lines: list[Strip] = []
    for i, (kind, use) in enumerate(zip(held.machine.gpus, held.gpus, strict=True)):
        lines += [_title(kind, frame), *(_row(row, held, frame) for row in _gpu(i, kind, use)), blank(width)]
    if not held.machine.gpus:
        why = f": {clean(held.machine.why, 200)}" if held.machine.why else ""
        text = f"no GPU can be read{why}" if why else "no NVIDIA GPU in this machine"
        lines += [line([(fit(text, width), style(colors.muted))], width), blank(width)]
    lines += [_row(row, held, frame) for row in _rest(held, held.machine)]
    if held.waiting is not None and held.waiting >= SLOW:
        text = f"{percent(held.waiting)} of the time the model waits for data: the loader cannot keep up with it"
        lines += [blank(width), line([(fit(text, width), style(colors.waiting))], width)]
    told = "each bar is one sample, about every 2 s"
    return [*lines, blank(width), line([(fit(told, width), style(colors.muted))], width)]


def _title(kind: GpuKind, frame: Frame) -> Strip:
    colors = frame.colors
    used: Part = ("this run", style(colors.train)) if kind.used else ("not this run's", style(colors.muted))
    return ends(
        [(f"GPU {kind.index}  {clean(kind.name, 60)}", style(colors.foreground, bold=True))], [used], frame.width
    )


def _gpu(i: int, kind: GpuKind, use: GpuUse) -> list[_Row]:
    heat, power = use.temperature, use.power
    limit = f" of {kind.power:.0f} W" if kind.power else " W"
    return [
        _Row("  busy", f"gpu {i} busy", 1.0, _share(use.busy)),
        _Row("  memory", f"gpu {i} memory", kind.memory, _memory(use.memory, kind.memory)),
        _Row(
            "  temperature", f"gpu {i} temperature", 100, "n/a" if heat is None else f"{heat:.0f} °C",
            "hot" if heat is not None and heat >= HOT else "",
        ),
        _Row("  power", f"gpu {i} power", kind.power, "n/a" if power is None else f"{power:.0f}{limit}"),
    ]  # fmt: skip


def _rest(held: System, machine: Machine) -> list[_Row]:
    now, cores, wait = held.now, machine.cores, held.waiting
    assert now is not None
    busy = f"{_share(now.cpu)} of {cores}" + (" core" if cores == 1 else " cores") if cores else _share(now.cpu)
    mine = "n/a" if now.process_cpu is None else f"{now.process_cpu:.1f} cores"
    full = now.disk_free is not None and now.disk_free < GIB
    slow = wait is not None and wait >= SLOW
    return [
        _Row("processors", "cpu", 1.0, busy),
        _Row("  the trainer", "process_cpu", max(cores, 1), mine),
        _Row("memory", "memory", machine.memory, _memory(now.memory, machine.memory)),
        _Row("  the trainer", "process_memory", machine.memory, _memory(now.process_memory, 0)),
        _Row("disk, free", "disk", machine.disk, _memory(now.disk_free, machine.disk), "full" if full else ""),
        _Row("data, waiting", "wait", 1.0, "n/a" if wait is None else percent(wait), "slow" if slow else ""),
    ]


def _row(row: _Row, held: System, frame: Frame) -> Strip:
    """Name, history, number. Where it is narrow the history gives way first."""
    colors, width = frame.colors, frame.width
    room = min(width - NAME - VALUE, LONGEST)
    values = held.history.get(row.key, ())
    parts: list[Part] = [(fit(row.name, min(NAME, max(width - VALUE, 0))), style(colors.muted))]
    if room >= 4:
        top = row.top or max((v for v in values if math.isfinite(v)), default=0.0)
        parts.append((spark(list(values), room, top), style(_color(row, colors))))
    text = f"! {row.bad}  {row.text}" if row.bad else row.text
    look = style(colors.wrong) if row.bad else style(colors.muted if row.text == "n/a" else colors.foreground)
    return line([*parts, (fit(text, VALUE, ">"), look)], width)


def _color(row: _Row, colors: Palette) -> str:
    return colors.waiting if row.key == "wait" else colors.train


def _share(value: float | None) -> str:
    return "n/a" if value is None else percent(value)


def _memory(value: int | None, of: int) -> str:
    """MiB as GiB, "3.1 of 15.6 GiB"."""
    if value is None:
        return "n/a"
    return f"{value / GIB:.1f} of {of / GIB:.1f} GiB" if of else f"{value / GIB:.1f} GiB"
