"""Run details: what was asked for, what it became, the data, the machine, and the model layer by layer."""

from __future__ import annotations

import textwrap
import time
from pathlib import Path
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from miniai.config import RunConfig, read_config
from miniai.errors import MiniaiError
from tui.colors import style
from tui.panes.base import ScrollPane
from tui.panes.copying import copy, tsv
from tui.panes.details_config import CHANGED, configured
from tui.panes.details_saved import saved_of
from tui.panes.lines import Frame, Part, line, pad
from tui.state.run import RunState, Section
from tui.text import clean, count, cut, fit

__all__ = ["DetailsPane", "details", "facts_of", "model_of"]

NAME = 15
"""Cells of a fact's name."""
VALUE = 20
"""Cells of a value before what is said of it."""
APART = 104
"""From this width on the model stands beside the facts."""
Row = tuple[str, str, str]
"""Name, value, and what is to be said of it; a heading has a name only."""


class ConfigRead(Message):
    """The run's configuration was read, or could not be."""

    def __init__(self, config: RunConfig | str) -> None:
        self.config = config
        super().__init__()


class DetailsPane(ScrollPane):
    """Scrolls; `C` copies all of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("home", "scroll_rows(-100000)", "to the top", show=False),
        Binding("end", "scroll_rows(100000)", "to the end", show=False),
        Binding("C", "copy_all", "copy everything", show=False),
    ]
    sections: ClassVar[tuple[Section, ...]] = ("status",)
    every: ClassVar[float] = 1.0
    key: ClassVar[str] = "8"

    def __init__(self, run_dir: Path, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.run_dir = run_dir
        self.config: RunConfig | str = ""
        """What the run was asked to do, or why that is not known."""
        self._asked = ""

    def heading(self, state: RunState) -> str:
        """The title."""
        name = clean(state.run.run, 80) if state.run is not None else ""
        return "run details" + (f" ─ {name}" if name else "")

    def draw(self, state: RunState, frame: Frame) -> list[Strip]:
        """The facts, and the model beside or below them."""
        run = "" if state.run is None else state.run.run
        if run and run != self._asked:  # the file is there before the trainer's first word
            self._asked = run
            self.run_worker(self._read, group="config", thread=True)
        rows = max(len(part) for part in _parts(state, self.config, self.run_dir, frame.width))
        self.offset_rows = max(min(self.offset_rows, rows - frame.height), 0)
        return details(state, self.config, self.run_dir, frame, self.offset_rows)

    def _read(self) -> None:
        """In a thread."""
        try:
            config: RunConfig | str = read_config(self.run_dir / "config.json")
        except MiniaiError as error:
            config = str(error)
        self.post_message(ConfigRead(config))

    def on_config_read(self, event: ConfigRead) -> None:
        """Show what was read."""
        event.stop()
        self.config = event.config
        self.redraw()

    def on_focus(self) -> None:
        """Say which keys there are."""
        self.border_subtitle = "arrows scroll · C copies all"

    def on_blur(self) -> None:
        """Another pane's keys."""
        self.border_subtitle = ""

    def action_copy_all(self) -> None:
        """Every fact and every layer, with tabs between."""
        if self.state is not None:
            rows = [*facts_of(self.state, self.config, self.run_dir), *model_of(self.state)]
            copy(self, tsv([[cell for cell in row if cell] for row in rows]), "the run's details")


def details(state: RunState, config: RunConfig | str, run_dir: Path, frame: Frame, offset: int = 0) -> list[Strip]:
    """The lines from number `offset` on."""
    width, height = frame.width, frame.height
    parts = _parts(state, config, run_dir, width)
    if len(parts) == 1:
        return [_line(row, width, frame) for row in parts[0][offset : offset + height]]
    left = width // 2 - 1
    sides = [
        pad([_line(row, wide, frame) for row in part[offset : offset + height]], wide, height)
        for part, wide in zip(parts, (left, width - left - 2), strict=True)
    ]
    gap = line([], 2)
    return [Strip.join([a, gap, b]) for a, b in zip(*sides, strict=True)]


def _parts(state: RunState, config: RunConfig | str, run_dir: Path, width: int) -> list[list[Row]]:
    """The columns, side by side or one."""
    facts, model = facts_of(state, config, run_dir), model_of(state)
    if width < APART:
        return [[*_wrapped(facts, width), ("", "", ""), *model]]
    return [_wrapped(facts, width // 2 - 1), model]


def _wrapped(rows: list[Row], width: int) -> list[Row]:
    """Long values on several lines."""
    found: list[Row] = []
    for name, value, note in rows:
        room = max(width - NAME - 1, 8)
        room = room if cell_len(value) == len(value) else room // 2  # characters may be two cells wide
        pieces = textwrap.wrap(value, room, break_on_hyphens=False) if cell_len(value) > width - NAME - 1 else [value]
        found += [(name if i == 0 else " ", piece, note if i == 0 else "") for i, piece in enumerate(pieces)]
    return found


def _line(row: Row, width: int, frame: Frame) -> Strip:
    name, value, note = row
    colors = frame.colors
    muted, text = style(colors.muted), style(colors.foreground)
    if not value:
        return line([(cut(name, width), style(colors.focus, bold=True))], width)
    shown = cut(value, max(width - NAME - 1, 1))
    if note and (CHANGED not in note or NAME + VALUE + 2 + cell_len(note) <= width):  # it may need the room
        shown = fit(shown, max(min(VALUE, width - NAME), cell_len(shown)))
    chosen = note == "given" or CHANGED in note
    parts: list[Part] = [(fit("  " + name, NAME), muted), (shown, style(colors.foreground, bold=chosen))]
    if note:
        parts.append((f"  {note}", text if chosen else muted))
    return line(parts, width)


def facts_of(state: RunState, config: RunConfig | str, run_dir: Path) -> list[Row]:
    """Everything but the model, in groups."""
    rows: list[Row] = [("run", "", ""), ("directory", clean(str(run_dir), 300), "")]
    if state.run is not None:
        started = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(max(min(state.run.wall, 4e9), 0)))
        rows += [("started", started, "local time"), ("host", clean(state.run.host), "")]
        rows += [("process", str(state.run.pid), "")]
    rows += saved_of(state, run_dir)
    rows += [("", "", ""), ("configuration", "", ""), *configured(state, config)]
    rows += [("", "", ""), ("data", "", ""), *_data(state)]
    return [*rows, ("", "", ""), ("made with", "", ""), *_environment(state)]


def _data(state: RunState) -> list[Row]:
    data = state.data
    if data is None:
        return [("", "not loaded yet", "")]
    channels, height, width = data.shape
    kind = {1: "grey", 3: "colour"}.get(channels, f"{channels} channels")
    names = ", ".join(state.classes)
    return [
        ("dataset", clean(data.dataset, 80), "a sample of it" if data.sample else ""),
        ("from", clean(data.source, 300), ""),
        ("training", f"{count(data.train)} images", ""),
        ("validation", f"{count(data.valid)} images", ""),
        ("image", f"{height} x {width} {kind}", ""),
        ("classes", f"{len(data.classes)}: {names}" if names else str(len(data.classes)), ""),
    ]


def _environment(state: RunState) -> list[Row]:
    made = state.environment
    if made is None:
        return [("", "said soon after the first batch", "")]
    changed = {True: "with changes that are not committed", False: "no changes", None: ""}[made.dirty]
    at = " ".join(x for x in (clean(made.revision, 64)[:12], f"({clean(made.branch, 80)})" if made.branch else "") if x)
    return [
        ("python", clean(made.python, 80), ""),
        ("torch", clean(made.torch, 80), f"{made.threads} thread" + "s" * (made.threads != 1)),
        ("device", clean(made.device, 120), ""),
        ("system", clean(made.system, 120), ""),
        ("folder", clean(made.folder, 300) or "not known", ""),
        ("git", at or "no commit known", changed if at else ""),
    ]


def model_of(state: RunState) -> list[Row]:
    """The model's parts in their order, each with its own parameters, and the sum."""
    fit_ = state.fit
    if fit_ is None:
        return [("model", "", ""), ("", "not built yet", "")]
    rows: list[Row] = [(f"model ─ {clean(fit_.model, 60)}", "", "")]
    parts = fit_.modules or fit_.layers
    wide = min(max((len(part.kind) for part in parts), default=0), 18)
    shape = min(max((len(part.shape) for part in parts), default=0), 10)
    digits = len(count(fit_.parameters))
    for part in parts:
        what = f"{fit(clean(part.kind, 40), wide)}  {fit(clean(part.shape, 40), shape)}"
        number = f"  {count(part.parameters):>{digits}}" if fit_.modules else ""
        rows.append((clean(part.name, 60) or "-", (what + number).rstrip() or "-", ""))
    rows.append(("in all", f"{fit('parameters', wide + 2 + shape)}  {count(fit_.parameters):>{digits}}", ""))
    if 0 < fit_.trainable < fit_.parameters:
        rows.append(("", f"{fit('trainable', wide + 2 + shape)}  {count(fit_.trainable):>{digits}}", ""))
    return rows
