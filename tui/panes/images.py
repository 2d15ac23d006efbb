"""The images of one batch with label, prediction and confidence; wrong ones are marked by sign, place and colour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal, TypeAlias

from rich.cells import cell_len
from textual.message import Message
from textual.strip import Strip

from miniai.run.events import PreviewSaved
from tui.colors import Palette, style
from tui.panes.base import Pane
from tui.panes.drawn import PICTURES, Drawn, by_terminal, in_cells, slowed
from tui.panes.lines import Frame, Part, blank, length, line, message, pad
from tui.panes.picture_plan import CAPTION, Plan, plan
from tui.panes.preview import Preview, load, paired
from tui.state.run import RunState, Section
from tui.text import clean, count, fit, metric, percent

__all__ = ["CAPTION", "ImagesPane", "Loaded", "Plan", "images", "mistakes", "plan"]

ROOMY = 64
"""Cells of a pane whose title has room for more words."""
SIGNED = 7
"""Cells of the narrowest picture below which what was right has a sign too."""
LOSS = 11
"""Cells of the narrowest picture that has its loss beside its label."""

Kind: TypeAlias = Literal["batch", "worst", "trained"]
View: TypeAlias = Literal["batch", "worst", "transform"]
_KINDS: dict[View, Kind] = {"batch": "batch", "worst": "worst", "transform": "trained"}


class Loaded(Message):
    """A preview file was read, or could not be (None)."""

    def __init__(self, fact: PreviewSaved, preview: Preview | None) -> None:
        self.fact, self.preview = fact, preview
        super().__init__()


class ImagesPane(Pane, can_focus=True):
    """Reads preview files in a thread; pages, and goes from the batch to the worst and to what a transform did."""

    sections: ClassVar[tuple[Section, ...]] = ("preview",)
    every: ClassVar[float] = 2.0
    key: ClassVar[str] = "4"
    hints = (("next_images", "page"), ("images_view", "batch, largest losses"))
    ALLOW_SELECT: ClassVar[bool] = False

    def __init__(self, run_dir: Path, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.add_class(PICTURES)
        self.run_dir = run_dir
        self.page = 0
        self.view: View = "batch"
        self._held: dict[Kind, tuple[PreviewSaved, Preview]] = {}
        """By kind the pictures that were read; newer ones may be on their way, or lost."""
        self._lost: dict[Kind, PreviewSaved] = {}
        """By kind the pictures that could not be read, until others can: a run keeps only the last few."""
        self._asked: dict[Kind, PreviewSaved] = {}

    def slowed(self) -> float:
        """Pictures of the terminal's may take many bytes; the first are shown, and keys answered, as soon as ever."""
        return slowed(self) if self.preview is not None else 1.0

    @property
    def preview(self) -> Preview | None:
        """The pictures that are shown."""
        held = self._held.get(self._kind)
        if held is None:
            return None
        return paired(held[1]) if self.view == "transform" else held[1]

    @property
    def fact(self) -> PreviewSaved | None:
        """Where and when they come from."""
        held = self._held.get(self._kind)
        return None if held is None else held[0]

    @property
    def _kind(self) -> Kind:
        return _KINDS[self.view]

    def heading(self, state: RunState) -> str:
        """The title."""
        fact, preview = self.fact, self.preview
        if fact is None or preview is None or state.preview is None:
            return "images" + (" ─ the largest losses" if self.view == "worst" else "")
        half = "validation" if fact.phase == "valid" else "training"
        what = f"{half} batch at step {count(fact.step)}"
        roomy = self.content_size.width >= ROOMY
        if self.view == "worst":
            part = "" if fact.complete else ", cut short"
            what = f"largest losses{' of the validation at' if roomy else ','} step {count(fact.step)}{part}"
        elif self.view == "transform":
            what = f"before and after{' the transform' if roomy else ''}, step {count(fact.step)}"
        page = plan(preview, *self.content_size)
        pages = f" ─ {self.page % page.pages + 1}/{page.pages}" if page is not None and page.pages > 1 else ""
        return f"images ─ {what}{pages}"

    def next_page(self) -> None:
        """Show the next images."""
        self.page += 1
        self.redraw()

    def previous_page(self) -> None:
        """Show the images before."""
        self.page -= 1
        self.redraw()

    def next_view(self) -> None:
        """From the batch to the largest losses, to what the batch transform did if there is one, and back."""
        trained = self._held.get("trained")
        changed = trained is not None and trained[1].before is not None
        views: list[View] = ["batch", "worst", *(["transform"] if changed else [])]  # type: ignore[list-item]
        at = views.index(self.view) if self.view in views else -1
        self.view, self.page = views[(at + 1) % len(views)], 0
        self.redraw()

    def draw(self, state: RunState, frame: Frame) -> list[Strip]:
        """The pictures, or what will come; a newer file is asked for."""
        if state.preview is None:  # another run: its first pictures are still to come
            self._held.clear()
            self._asked.clear()
            self._lost.clear()
        self._ask(state)
        preview = self.preview
        if preview is None and (lost := self._lost.get(self._kind)) is not None:
            return message([_gone(lost)], frame)
        if preview is None and self.view != "batch":
            return message([_missing(state, self.view)], frame)
        lines = images(preview, state, frame, self.page, by_terminal(self))
        if preview is not None and self.view == "worst" and not lines[-1].text.strip():
            lines[-1] = mistakes(state, frame)
        return lines

    def _ask(self, state: RunState) -> None:
        """Read what is shown, and what tells whether there is a transform to show; each file once."""
        newest = {"batch": state.preview, "worst": state.worst.fact, "trained": state.worst.trained}
        for kind in dict.fromkeys((self._kind, "trained")):
            fact = newest[kind]
            if fact is None or fact == self._asked.get(kind):
                continue
            known = fact in self._asked.values()
            self._asked[kind] = fact
            held = next((pair for pair in self._held.values() if pair[0] == fact), None)
            if held is not None:
                self._held[kind] = held
            elif not known:
                self.run_worker(lambda fact=fact: self._read(fact), group=f"preview {kind}", thread=True)

    def _read(self, fact: PreviewSaved) -> None:
        """In a thread: read the file, and say so to the pane."""
        self.post_message(Loaded(fact, load(self.run_dir, fact.file)))

    def on_loaded(self, event: Loaded) -> None:
        """Show what was read; in place of a file that has vanished older pictures stay, or words say so."""
        event.stop()
        for kind, fact in self._asked.items():
            if fact == event.fact:
                self._lost.pop(kind, None)
                if event.preview is not None:
                    self._held[kind] = event.fact, event.preview
                else:
                    self._lost[kind] = event.fact
                if kind == self._kind:
                    self.redraw()


def _gone(fact: PreviewSaved) -> str:
    """What is said in place of pictures whose file cannot be read."""
    return f"the images of step {count(fact.step)} cannot be shown any more: a run keeps only its newest ones"


def _missing(state: RunState, view: View) -> str:
    """Why there is nothing to see in a view other than the batch."""
    if view == "transform":
        return "no batch transform has changed this batch"
    counted = state.confusion.fact
    if counted is not None and not counted.classes:
        return f"the largest losses: n/a, because this is no classification ({clean(counted.why, 200)})"
    return "the images with the largest losses" + (": none were saved" if state.over else " come with a validation")


def images(
    preview: Preview | None, state: RunState, frame: Frame, page: int = 0, drawn: Drawn | None = None
) -> list[Strip]:
    """A page of pictures with their captions, as lines; in half blocks unless `drawn` draws them."""
    if preview is None:
        text = "images, and what the model takes them for, come with the first report of the training"
        return message([text], frame)
    width, height = frame.width, frame.height
    held = plan(preview, width, height)
    if held is None:
        return message(["too small for pictures"], frame)
    start = (page % held.pages) * held.each
    shown = list(range(start, min(start + held.each, len(preview.pixels))))
    pixels = [preview.pixels[i] for i in shown]
    pictures = in_cells(pixels, held.height, held.width, drawn)
    lines: list[Strip] = []
    for start in range(0, len(shown), held.columns):
        mine = slice(start, start + held.columns)
        lines += _row(preview, shown[mine], pictures[mine], held, state.classes, frame)
    return pad(lines, width, height)


def _row(
    preview: Preview,
    mine: Sequence[int],
    pictures: Sequence[list[Strip]],
    held: Plan,
    classes: list[str],
    frame: Frame,
) -> list[Strip]:
    """One row of pictures side by side."""
    width, colors = frame.width, frame.colors
    gap = max(min((width - held.columns * held.width) // max(held.columns - 1, 1), 4), 1)
    blocks = []
    for i, picture in zip(mine, pictures, strict=True):
        captions = [line([part], held.width) for part in _caption(preview, i, classes, held.width, colors)]
        blocks.append([*picture, *captions])
    space = blank(gap)
    rows = []
    for parts in zip(*blocks, strict=True):
        strips = [s for part in parts for s in (part, space)][:-1]
        rows.append(Strip.join(strips).adjust_cell_length(width))
    return rows


def _caption(preview: Preview, i: int, classes: list[str], width: int, colors: Palette) -> tuple[Part, Part]:
    """The label; below it how sure the model was, or what it took the picture for."""
    label, said, sure = preview.labels[i], preview.predictions[i], preview.confidences[i]
    share = percent(sure)
    title = _name(label, classes)
    if preview.losses and width >= LOSS:
        loss = _loss(preview.losses[i])
        title = f"{fit(title, width - cell_len(loss) - 1)} {loss}"
    name: Part = (fit(title, width), style(colors.foreground))
    if preview.words:
        return name, (fit(preview.words[i], width), style(colors.muted))
    if math.isnan(sure):  # it took the picture for nothing: the class that stands there is only the first one
        return name, (fit(f"✗ {share}", width), style(colors.wrong))
    if label == said:
        return name, (fit(f"✓ {share}" if width >= SIGNED else share, width), style(colors.muted))
    taken = f"✗ {_name(said, classes)}"
    room = width - len(share) - 1
    both = room >= min(cell_len(taken), 9)
    return name, (f"{fit(taken, room)} {share}" if both else fit(taken, width), style(colors.wrong))


def _loss(loss: float) -> str:
    """In at most five cells."""
    if math.isfinite(loss):
        return f"{loss:.2f}" if loss < 99.995 else "> 100"
    return metric(loss)


def mistakes(state: RunState, frame: Frame) -> Strip:
    """One line: the most frequent mistakes of the last validation, as many as have room; empty without any."""
    fact, colors = state.confusion.fact, frame.colors
    parts: list[Part] = [("most often ", style(colors.muted))]
    for is_, said, often in fact.pairs if fact is not None else ():
        pair = f"{_name(is_, state.classes)} ✗ {_name(said, state.classes)} "
        more: list[Part] = [(pair, style(colors.foreground)), (count(often), style(colors.wrong))]
        apart: list[Part] = [(" · ", style(colors.faint))] if len(parts) > 1 else []
        if length([*parts, *apart, *more]) > frame.width:
            break
        parts += [*apart, *more]
    return line(parts if len(parts) > 1 else [], frame.width)


def _name(label: int, classes: list[str]) -> str:
    return classes[label] if 0 <= label < len(classes) else str(label)
