"""RunState: the run as its facts tell it. The same facts give the same state; odd or old facts never raise."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal, get_args

import msgspec

from miniai.run import events as ev
from miniai.run.requests import AnyRequest
from tui.state.alerts import AlertKey, Alerts
from tui.state.answers import Answer, words
from tui.state.asked import Asked
from tui.state.clock import StepClock
from tui.state.confusion import Confusion, Worst
from tui.state.curves import EpochCurves
from tui.state.found import Found
from tui.state.kinds import OVER, Part, Section, Status
from tui.state.marks import Marks
from tui.state.progress import Progress
from tui.state.rate import Rate
from tui.state.rows import Rows
from tui.state.saves import Saves
from tui.state.seen import Seen
from tui.state.series import AllSeries
from tui.state.spreads import LayerSpreads, LayerValues
from tui.state.system import System
from tui.text import clean

if TYPE_CHECKING:
    from tui.history import Series
    from tui.layer_history import LayerHistory

__all__ = ["RunState", "Section", "Status"]


class RunState:
    """Everything that the panes draw. `apply` changes it; `revision` tells a pane whether it must look again."""

    def __init__(self) -> None:
        self._revisions: Counter[Section] = Counter()
        self.notices, self.noted = 0, 0.0
        """How many answers in words there have been, and when on the run's clock the last one came."""
        self.replay, self.replaying, self.stands = "", False, False
        """Where a replay of the run is, in words, if this is one; whether more will come; whether it stands still."""
        self.acknowledged: set[AlertKey] = set()
        """Alerts that somebody has acknowledged, here or before."""
        self._begin()

    def _begin(self) -> None:
        """Nothing is known of any run."""
        self.base: Status = "starting"
        self.saying = "waiting for the trainer's first sign"
        """What is waited for until training runs."""
        self.notice = ""
        """The last answer in words."""
        self.paused = self.planned = False
        self.at, self.step = 0.0, 0
        self.run: ev.RunStarted | None = None
        self.data: ev.DataLoaded | None = None
        self.fit: ev.FitStarted | None = None
        self.stage: ev.StageReached | None = None
        self.end: ev.FitEnded | None = None
        self.gone: tuple[str, list[str]] | None = None
        """Why the trainer is gone, and the end of its log."""
        self.preview: ev.PreviewSaved | None = None
        self.progress, self.rows, self.asked = Progress(), Rows(), Asked()
        self.environment: ev.EnvironmentNoted | None = None
        self.alerts, self.marks, self.saves = Alerts(self.acknowledged), Marks(), Saves()
        self._resumed: ev.RunResumed | None = None
        """Until its new process trains."""
        self.clock, self.curves = StepClock(), EpochCurves()
        self.found = Found()
        self.rate, self.seen = Rate(), Seen()
        self.spreads, self._layers, self._series = LayerSpreads(), LayerValues(), AllSeries()
        self.system, self.confusion, self.worst = System(), Confusion(), Worst()
        self._parts: tuple[Part, ...] = (
            self.alerts, self.rate, self.seen, self.clock, self.curves, self.found, self.spreads,
            self.system, self.confusion, self.worst, self.marks, self.saves, self._layers, self._series,
        )  # fmt: skip
        """Parts of the state that live in modules of their own and take facts by themselves."""

    # -- read ------------------------------------------------------------------------------------------------------

    def revision(self, *sections: Section) -> int:
        """A number that grows whenever one of the sections changes."""
        return sum(self._revisions[s] for s in sections)

    @property
    def status(self) -> Status:
        """One word for the whole run."""
        if self.base in OVER:
            return self.base
        if self.planned or self.asked.stopping:
            return "stopping"
        return "paused" if self.paused else self.base

    @property
    def over(self) -> bool:
        """Whether the run has ended, in whatever way."""
        return self.base in OVER

    @property
    def series(self) -> dict[str, Series]:
        """The series by name: "loss", "valid_loss", "lr" ..."""
        return self._series.held

    @property
    def layers(self) -> LayerHistory | None:
        """Statistics of the layers over time; None where the fit measures no layers, and before one began."""
        return self._layers.held

    @property
    def classes(self) -> list[str]:
        """Names of the labels, harmless for a terminal."""
        return [clean(c, 60) for c in self.data.classes] if self.data else []

    # -- what the screen knows of itself ---------------------------------------------------------------------------

    def ask(self, request: AnyRequest) -> None:
        """A request was sent: it is open until a fact answers it."""
        if not self.over:
            self.asked.add(request)
            self._touch("status")

    def say(self, text: str) -> None:
        """A word from the session: what is waited for, or a notice once the run has begun."""
        if self.run is None:
            self.saying = clean(text)
        else:
            self._note(clean(text))
        self._touch("status")

    def replayed(self, text: str, going: bool = True, stands: bool = False) -> None:
        """Where the replay is now, whether more of it will come, and whether it stands still."""
        if text != self.replay:
            self._touch("status")
        self.replay, self.replaying, self.stands = text, going, stands

    def request_failed(self, request: str, text: str) -> None:
        """A request could not be delivered: it is not open any more, and a notice says why."""
        self.asked.answered(request)
        self._note(clean(text))
        self._touch("status")

    def trainer_gone(self, text: str, log_tail: list[str]) -> None:
        """The trainer died or never started."""
        self.gone = (clean(text), [clean(line) for line in log_tail[-200:]])
        if not self.over:
            self._finish("failed")
        self._touch("status", "alerts")

    # -- facts -----------------------------------------------------------------------------------------------------

    def apply(self, fact: ev.AnyFact) -> None:
        """Take one fact."""
        again = self._resumed
        if isinstance(fact, ev.RunStarted) and self.run is not None and (again is None or fact.at < again.at):
            self._begin()  # the journal was replaced, or is read anew
            self._touch(*get_args(Section))
        self.at = max(self.at, fact.at)
        for part in self._parts:
            if part.apply(fact):
                self._touch(part.section)
        self._route(fact)

    def _route(self, fact: ev.AnyFact) -> None:
        match fact:
            case ev.Scalars():
                self._scalars(fact)
            case ev.Progressed():
                self._progressed(fact)
            case ev.EpochStarted() | ev.EpochEnded():
                self._half(fact)
            case ev.PreviewSaved() if fact.kind == "batch":
                self.preview = fact
                self._touch("preview")
            case ev.EnvironmentNoted():
                self.environment = fact
                self._touch("status")
            case ev.FitEnded():
                self.end, self.step = fact, max(self.step, fact.step)
                self._finish(fact.reason)
            case ev.RunResumed():
                self._goes_on(fact)
            case ev.RunStarted() | ev.StageReached() | ev.DataLoaded() | ev.FitStarted():
                self._prepared(fact)
            case _ if isinstance(fact, Answer):
                self._answered(fact)

    def _prepared(self, fact: ev.RunStarted | ev.StageReached | ev.DataLoaded | ev.FitStarted) -> None:
        match fact:
            case ev.RunStarted():
                self.run = self.run or fact
                self.saying, self.at = "loading torch", fact.at
                self._turn("starting")
            case ev.StageReached():
                self.stage, self.saying = fact, clean(fact.stage)
                loading = fact.stage in ("looking for data", "reading data")
                word: Status = "loading data" if loading else "starting"
                self._turn("first batch" if fact.stage == "first batch" else word)
            case ev.DataLoaded():
                self.data = fact
            case ev.FitStarted():
                self.fit = fact
                self._turn("first batch")
                self.progress.fit_started(fact)
                self.rows.announced(fact.metrics)
        self._touch("status", "progress", "metrics", "loss", "layers", "preview")

    def _half(self, fact: ev.EpochStarted | ev.EpochEnded) -> None:
        self.step = max(self.step, fact.step)
        if isinstance(fact, ev.EpochStarted):
            self.progress.epoch_started(fact)
            self.rows.started(fact)
            self._resumed = None
            if fact.phase == "valid":
                self._turn("validating")
            elif self.step > 0:
                self._turn("training")
            if self.over:  # a late fact: nothing runs
                self._end_rows()
        else:
            self.progress.epoch_ended(fact)
            self.rows.ended(fact)
        self._touch("status", "progress", "metrics")

    def _progressed(self, fact: ev.Progressed) -> None:
        if self.progress.progressed(fact):
            self.rows.progressed(fact)
            if self.base == "first batch" and fact.batch > 0:
                self.base = "training" if fact.phase == "train" else "validating"
                self._touch("status")
            self._touch("progress", "metrics")

    def _scalars(self, fact: ev.Scalars) -> None:
        if fact.name == "loss" and fact.values:
            self.step = max(self.step, fact.first + fact.stride * (len(fact.values) - 1))
            if self.base == "first batch":
                self.base = "training"
            self._touch("status")

    def _answered(self, fact: Answer) -> None:
        """Answers to requests, also to those of other viewers."""
        match fact:
            case ev.Paused():
                self.paused, self.step = not self.over, max(self.step, fact.step)
            case ev.Continued():
                self.paused = False
            case ev.BatchSkipped():
                self.rows.batch_skipped(fact.epoch, fact.phase, fact.batch)
            case ev.StopPlanned():
                self.planned = True
                self.progress.stop_after(fact.epoch if fact.when == "epoch" else None)
            case ev.Changed():
                self.progress.changed(fact)
        if text := words(fact, self.progress.of):
            self._note(text)
        if not isinstance(fact, ev.StopPlanned):  # a planned stop is open until the run has stopped
            self.asked.answered(fact.request)
        self._touch("status", "progress", "metrics")

    def _goes_on(self, fact: ev.RunResumed) -> None:
        """A new process goes on from a checkpoint: what followed on it is void, how the run had ended too."""
        self._resumed = fact
        self.rows.resumed(fact)
        self.progress.resumed(fact)
        if self.preview is not None and self.preview.step > fact.step:
            self.preview = None
        if self.run is not None and fact.pid:
            self.run = msgspec.structs.replace(self.run, pid=fact.pid, host=fact.host)
        rate = self.series.get("lr")
        self.rate.now = None if rate is None else rate.value
        self.step, self.end, self.gone, self.paused, self.planned = fact.step, None, None, False, False
        self.base, self.saying = "starting", "loading torch"
        self.asked.clear()
        self._note(f"resumed at step {fact.step:,}")
        self._touch("status", "progress", "metrics", "loss", "layers", "preview", "marks", "alerts")

    def _finish(self, reason: Literal["done", "stopped", "failed"]) -> None:
        self.notice = ""  # what was planned has come: the status says so
        self.base, self.paused, self.planned = reason, False, False
        self.asked.clear()
        self._end_rows()
        self._touch("status", "progress", "metrics", "loss", "layers", "preview")

    def _turn(self, to: Status) -> None:
        """The run does something else now; what is told after its end changes nothing."""
        if not self.over:
            self.base = to

    def _end_rows(self) -> None:
        self.rows.finish("failed" if self.base == "failed" else "stopped")

    def _note(self, text: str) -> None:
        self.notice, self.notices, self.noted = text, self.notices + 1, self.at

    def _touch(self, *sections: Section) -> None:
        self._revisions.update(sections)
