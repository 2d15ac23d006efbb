"""The two lines that tell the run: what is trained, where it is, how fast, how long still, and one status word."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from textual.strip import Strip

from tui.colors import Palette, style
from tui.panes.base import Pane
from tui.panes.lines import Frame, Part, ends, length, line
from tui.state.run import RunState, Section, Status
from tui.state.summary import best_line
from tui.text import clean, count, cut, duration, fit, percent, rate

__all__ = ["HeaderPane", "bar", "header"]

SIGNS: dict[Status, str] = {
    "starting": "○", "loading data": "○", "first batch": "◐", "training": "●", "validating": "●", "paused": "‖",
    "stopping": "◐", "done": "✓", "stopped": "■", "failed": "✗",
}  # fmt: skip
NOTICE_SECONDS = 4.0
LATE_SECONDS = 5.0
"""An answer so much older than the newest fact is not shown."""


class HeaderPane(Pane):
    """The header; an answer of the trainer stands beside the status word for some seconds."""

    sections: ClassVar[tuple[Section, ...]] = ("status", "progress")
    every: ClassVar[float] = 0.25

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._notices, self._until = 0, 0.0

    def wants(self, state: RunState, now: float) -> bool:
        """As for every pane; and once more when a notice has been seen long enough."""
        if self._until and now >= self._until:
            self._until = 0.0
            self._seen = -1
        return super().wants(state, now)

    def show(self, state: RunState, now: float = 0.0) -> None:
        """Draw; a new notice is shown for a while."""
        if state.notices != self._notices:
            self._notices, self._until = state.notices, now + NOTICE_SECONDS
        super().show(state, now)

    def draw(self, state: RunState, frame: Frame) -> list[Strip]:
        """Two lines; what a run that is only now looked at has answered long ago is no news."""
        fresh = self._until > 0 and state.at - state.noted < LATE_SECONDS
        return header(state, frame.width, frame.colors, notice=fresh)


def header(state: RunState, width: int, colors: Palette, notice: bool = False) -> list[Strip]:
    """The two lines; `notice` puts the last answer beside the status."""
    return [_first(state, width, colors, notice), _second(state, width, colors)]


def _first(state: RunState, width: int, colors: Palette, notice: bool) -> Strip:
    badge = _badge(state, colors)
    if notice and state.notice and (state.planned or not state.asked.text):  # a planned stop may wait for long
        room = max(width - length(badge) - 18, 0)
        badge = [(cut(state.notice, room), style(colors.waiting)), ("   ", Style.null()), *badge]
    left: list[Part] = [(" miniai-tui", style(colors.foreground, bold=True))]
    free = width - length(badge) - length(left) - 2
    separator = "   "
    for text in _what(state):
        if len(separator) + len(text) > free:
            break
        left += [(separator, style(colors.faint)), (text, style(colors.muted))]
        free -= len(separator) + len(text)
        separator = " · "
    return ends(left, [*badge, (" ", Style.null())], width)


def _what(state: RunState) -> list[str]:
    """What is trained, the important first."""
    if state.run is None:
        return []
    parts = [clean(state.run.dataset, 60)]
    if data := state.data:
        sizes = f"{count(data.train)} + {count(data.valid)} images"
        parts.append(f"embedded sample, {sizes}" if data.sample else f"all {sizes}")
    if state.fit is None:
        return [*parts, clean(state.run.model, 60)]
    model, device = clean(state.fit.model, 60), clean(state.fit.device, 30)
    return [*parts, f"{model}, {count(state.fit.parameters)} parameters", device]


def _badge(state: RunState, colors: Palette) -> list[Part]:
    if state.replay:
        stood = " · the run was paused" if state.paused else ""
        return [(f"» {state.replay}{stood}", style(colors.waiting, bold=True))]
    status = state.status
    text: str = state.asked.text or (f"paused at step {count(state.step)}" if status == "paused" else status)
    waits = bool(state.asked.text) or status in ("paused", "stopping")
    color = colors.waiting if waits else colors.wrong if status == "failed" else colors.foreground
    color = {"training": colors.train, "validating": colors.valid}.get(status, color) if not waits else color
    sign = "◐" if state.asked.text else SIGNS[status]
    return [(f"{sign} {text}", style(color, bold=True))]


def _second(state: RunState, width: int, colors: Palette) -> Strip:
    muted = style(colors.muted)
    if state.over:
        return _ended(state, width, colors)
    if state.progress.phase is None or state.base in ("starting", "loading data"):
        return _waiting(state, width, colors)
    p = state.progress
    color = colors.valid if p.phase == "valid" else colors.train
    digits = len(str(p.epochs))
    where: list[Part] = [
        (f" epoch {p.epoch + 1:>{digits}}/{p.epochs} · ", muted), (fit(p.phase or "", 5), style(color)), ("  ", muted),
    ]  # fmt: skip
    size = max(len(str(max(p.of, *p.halves.values()))), 1)
    numbers: list[Part] = [(f"  {p.batch:>{size}}/{p.of:<{size}}", style(colors.foreground))]
    speed, wait, eta = p.rate, p.wait_share, p.eta
    fields: list[list[Part]] = [
        [(fit(duration(eta) if eta is not None else "-:--", 9, ">"), style(colors.foreground)), (" left", muted)],
        [(fit(rate(speed) if speed is not None else "-", 9, ">"), style(colors.foreground)), (" img/s", muted)],
        [("   waiting for data", muted), (fit(percent(wait) if wait is not None else "- %", 6, ">"), muted)],
    ]
    shown = [f for i, f in enumerate(fields) if length(where) + length(numbers) + _upto(fields, i) <= width - 11]
    order = [shown[i] for i in (1, 2, 0) if i < len(shown)]
    right = [*numbers, *(part for f in order for part in f), (" ", muted)]
    room = width - length(where) - length(right)
    return line([*where, *bar(p.share, max(room, 0), color, colors), *right], width)


def _upto(fields: list[list[Part]], i: int) -> int:
    return sum(length(f) for f in fields[: i + 1])


def bar(share: float, width: int, color: str, colors: Palette) -> list[Part]:
    """A thin bar in half-cell steps."""
    halves = round(min(max(share, 0.0), 1.0) * 2 * width)
    full, half = divmod(halves, 2)
    return [("━" * full + "╸" * half, style(color)), ("━" * (width - full - half), style(colors.border))]


def _waiting(state: RunState, width: int, colors: Palette) -> Strip:
    left: list[Part] = [(f" {state.saying} …", style(colors.foreground))]
    stage = state.stage
    if stage is not None and stage.total > 0:
        done = f"  {count(stage.done)}/{count(stage.total)} "
        room = min(width - length(left) - len(done) - 3, 40)
        left += [("  ", Style.null()), *bar(stage.done / stage.total, max(room, 0), colors.focus, colors)]
        left.append((done, style(colors.muted)))
    return line(left, width)


def _ended(state: RunState, width: int, colors: Palette) -> Strip:
    error = clean(state.end.error) if state.end is not None else ""
    error = error or (state.gone[0] if state.gone is not None and state.base == "failed" else "")
    if error:
        return line([(" " + cut(error, width - 2), style(colors.wrong))], width)
    halves = sum(r.phase == "train" and r.ended == "complete" for r in state.rows)
    short = " complete" if state.base == "done" and halves < state.progress.epochs else ""  # one was skipped in part
    epochs, steps = f"{halves}/{state.progress.epochs} epochs{short}", f"{count(state.step)} steps"
    best = best_line(state)
    brief = best.partition(" at epoch")[0]
    ways = [[epochs, steps, duration(state.at), best], [epochs, steps, duration(state.at), brief], [epochs, brief]]
    texts = [" " + " · ".join(filter(None, way)) for way in ways]
    text = next((text for text in texts if cell_len(text) < width), texts[-1])  # no number is cut if another fits
    return line([(cut(text, width - 1), style(colors.foreground))], width)
