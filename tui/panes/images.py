"""The images of one batch with label, prediction and confidence; wrong ones are marked by sign, place and colour."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal, TypeAlias

from rich.cells import cell_len
from textual.message import Message
from textual.strip import Strip

from miniai.run.events import PreviewSaved
from tui.colors import Palette, style
from tui.panes.base import Pane
from tui.panes.lines import Frame, Part, blank, line, message, pad
from tui.panes.preview import Preview, load, paired
from tui.state.run import RunState, Section
from tui.text import clean, count, fit, percent

__all__ = ["ImagesPane", "Loaded", "Plan", "images", "plan"]

CAPTION = 2
"""Lines below a picture: its label, and what it was taken for where that is wrong."""
NARROWEST = 11
"""Cells of the narrowest picture: a caption must say something."""
WANTED = 6
"""Pictures that should be seen at once if they can be large enough."""
LOSS = 13
"""Cells of the narrowest picture that has its loss beside its label."""

Kind: TypeAlias = Literal["batch", "worst"]
View: TypeAlias = Literal["batch", "worst", "transform"]


class Loaded(Message):
    """A preview file was read, or could not be (None)."""

    def __init__(self, fact: PreviewSaved, preview: Preview | None) -> None:
        self.fact, self.preview = fact, preview
        super().__init__()


class ImagesPane(Pane, can_focus=True):
    """Reads preview files in a thread; pages, and goes from the batch to the worst and to what a transform did."""

    sections: ClassVar[tuple[Section, ...]] = ("preview",)
    every: ClassVar[float] = 1.0
    key: ClassVar[str] = "4"
    ALLOW_SELECT: ClassVar[bool] = False

    def __init__(self, run_dir: Path, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.run_dir = run_dir
        self.page = 0
        self.view: View = "batch"
        self._held: dict[str, tuple[PreviewSaved, Preview]] = {}
        """By kind the pictures that were read; newer ones may be on their way, or lost."""
        self._asked: dict[str, PreviewSaved] = {}

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
        return "worst" if self.view == "worst" else "batch"

    def heading(self, state: RunState) -> str:
        """The title."""
        fact, preview = self.fact, self.preview
        if fact is None or preview is None or state.preview is None:
            return "images" + (" ─ the largest losses" if self.view == "worst" else "")
        half = "validation" if fact.phase == "valid" else "training"
        what = f"{half} batch at step {count(fact.step)}"
        if self.view == "worst":
            part = "" if fact.complete else ", cut short"
            what = f"largest losses of the validation at step {count(fact.step)}{part}"
        elif self.view == "transform":
            what = f"before and after the transform, step {count(fact.step)}"
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
        batch = self._held.get("batch")
        changed = batch is not None and batch[1].before is not None
        views: list[View] = ["batch", "worst", *(["transform"] if changed else [])]  # type: ignore[list-item]
        at = views.index(self.view) if self.view in views else -1
        self.view, self.page = views[(at + 1) % len(views)], 0
        self.redraw()

    def draw(self, state: RunState, frame: Frame) -> list[Strip]:
        """The pictures, or what will come; a newer file is asked for."""
        kind = self._kind
        fact = state.worst.fact if kind == "worst" else state.preview
        if state.preview is None:  # another run: its first pictures are still to come
            self._held.clear()
            self._asked.clear()
        if fact is not None and fact != self._asked.get(kind):
            self._asked[kind] = fact
            self.run_worker(lambda: self._read(fact), group=f"preview {kind}", exclusive=True, thread=True)
        preview = self.preview
        if preview is None and self.view != "batch":
            return message([_missing(state, self.view)], frame)
        return images(preview, state, frame, self.page)

    def _read(self, fact: PreviewSaved) -> None:
        """In a thread: read the file, and say so to the pane."""
        self.post_message(Loaded(fact, load(self.run_dir, fact.file)))

    def on_loaded(self, event: Loaded) -> None:
        """Show what was read; a file that has vanished is passed over."""
        event.stop()
        if event.preview is not None:
            self._held[event.fact.kind] = event.fact, event.preview
            if event.fact.kind == self._kind:
                self.redraw()


def _missing(state: RunState, view: View) -> str:
    """Why there is nothing to see in a view other than the batch."""
    if view == "transform":
        return "no batch transform has changed this batch"
    counted = state.confusion.fact
    if counted is not None and not counted.classes:
        return f"the largest losses: n/a, because this is no classification ({clean(counted.why, 200)})"
    return "the images with the largest losses" + (": none were saved" if state.over else " come with a validation")


class Plan:
    """How pictures lie in the pane."""

    def __init__(self, rows: int, columns: int, height: int, width: int, images: int) -> None:
        self.rows, self.columns, self.height, self.width = rows, columns, height, width
        self.each = rows * columns
        """Pictures on a page."""
        self.pages = max(-(-images // self.each), 1)


def plan(preview: Preview, width: int, height: int) -> Plan | None:
    """The largest pictures of which enough fit, in their proportions; None if the pane is too small for one.

    Pictures too narrow for a caption are taken only if no others fit.
    """
    return _plan(preview, width, height, NARROWEST) or _plan(preview, width, height, 4)


def _plan(preview: Preview, width: int, height: int, narrowest: int) -> Plan | None:
    n, _, tall, wide = preview.pixels.shape
    best: Plan | None = None
    for cells in range(min(max(height - CAPTION, 0), tall), 2, -1):
        across = max(round(2 * cells * wide / tall), 1)
        rows, columns = height // (cells + CAPTION), (width + 1) // (across + 1)
        if rows < 1 or columns < 1 or across < narrowest:
            continue
        columns -= columns % 2 if preview.words and columns > 1 else 0  # pairs stay together
        found = Plan(rows, min(columns, n), cells, across, n)
        if best is None or best.each < min(WANTED, n):
            best = found if best is None or found.each > best.each else best
    return best


def images(preview: Preview | None, state: RunState, frame: Frame, page: int = 0) -> list[Strip]:
    """A page of pictures with their captions, as lines."""
    if preview is None:
        text = "images, and what the model takes them for, come with the first report of the training"
        return message([text], frame)
    width, height = frame.width, frame.height
    held = plan(preview, width, height)
    if held is None:
        return message(["too small for pictures"], frame)
    start = (page % held.pages) * held.each
    shown = list(range(start, min(start + held.each, len(preview.pixels))))
    lines: list[Strip] = []
    for row in range(held.rows):
        mine = shown[row * held.columns : (row + 1) * held.columns]
        if mine:
            lines += _row(preview, mine, held, state.classes, frame)
    return pad(lines, width, height)


def _row(preview: Preview, mine: Sequence[int], held: Plan, classes: list[str], frame: Frame) -> list[Strip]:
    """One row of pictures side by side."""
    from tui.panes.thumbs import half_blocks, resize  # numpy: not before the first frame

    width, colors = frame.width, frame.colors
    gap = max(min((width - held.columns * held.width) // max(held.columns - 1, 1), 4), 1)
    blocks = []
    for i in mine:
        picture = half_blocks(resize(preview.pixels[i], 2 * held.height, held.width))
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
        title = f"{fit(title, width - 6)} {min(preview.losses[i], 99.99):5.2f}"
    name: Part = (fit(title, width), style(colors.foreground))
    if preview.words:
        return name, (fit(preview.words[i], width), style(colors.muted))
    if label == said:
        return name, (fit(share, width), style(colors.muted))
    taken = f"✗ {_name(said, classes)}"
    room = width - len(share) - 1
    both = room >= min(cell_len(taken), 9)
    return name, (f"{fit(taken, room)} {share}" if both else fit(taken, width), style(colors.wrong))


def _name(label: int, classes: list[str]) -> str:
    return classes[label] if 0 <= label < len(classes) else str(label)
