"""The job "lr-find": the trainer's preparation, then `Learner.lr_find`, told as facts.

No torch at the top: loading it is a stage that the screen shows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from miniai.config import RunConfig
from miniai.fitting import Fitting, StoppedEarly
from miniai.run.control import RunControl
from miniai.run.directory import RunDir
from miniai.run.events import Alerted, Fact, RateSuggested
from miniai.run.reporter import Reporter

if TYPE_CHECKING:
    import torch

    from miniai.callbacks.base import Callback
    from miniai.callbacks.clock import TrainingClock
    from miniai.callbacks.rates import RatesCB

__all__ = ["FASTEST", "HIGHEST", "THIRD", "RateFinding", "verdict"]

HIGHEST = 100.0
"""The rate at which a search ends if the loss has not diverged."""
MAX_MULT = 3.0
"""A loss of so many times the smallest one has diverged."""
FASTEST = "the loss, smoothed over a tenth of the points, falls fastest there (against the logarithm of the rate)"
THIRD = (
    "a third of the rate at which the loss, smoothed over a tenth of the points, is lowest: "
    "where it falls fastest is too close to where it diverges"
)
"""The two rules of a suggestion (see `miniai.callbacks.lr_find.steepest`)."""


class RateFinding(Fitting):
    """Try growing learning rates until the loss diverges; the model is afterwards as it was before."""

    def __init__(self, run: RunDir, config: RunConfig, control: RunControl, reporter: Reporter) -> None:
        config = msgspec.structs.replace(config, sched="constant", stats=False)
        super().__init__(run, config, control, reporter)
        self._rates: RatesCB | None = None

    @property
    def step(self) -> int:
        """Batches tried."""
        return 0 if self._rates is None else self._rates.tried

    def run(self) -> Literal["done", "stopped"]:
        """Prepare, search and suggest; raises what training raises."""
        try:
            learn = self.prepare()
        except StoppedEarly:
            return "stopped"
        start, factor = self.config.lr_start, self.config.lr_factor
        needed = math.log(max(HIGHEST / start, 1.0), factor) + 2
        epochs = math.ceil(needed / max(len(learn.dls.train), 1))
        finder = learn.lr_find(factor, MAX_MULT, start, epochs, learn.cbs)  # all of them are for this job
        stopped = self._stopped()
        rate = finder.suggestion
        ended, why = verdict(finder.lrs, finder.losses, rate, stopped=stopped)
        shown = None if rate is None else float(f"{rate:.2g}")
        self.reporter.emit(RateSuggested(at=self.reporter.now(), rate=shown, ended=ended, why=why))
        return "stopped" if stopped else "done"

    def _callbacks(self, device: torch.device, clock: TrainingClock) -> list[Callback]:
        from miniai.assembly import steps
        from miniai.callbacks.control import ControlCB
        from miniai.callbacks.device import DeviceCB
        from miniai.callbacks.rates import RatesCB
        from miniai.callbacks.report import ReportCB

        emit, now = self.reporter.emit, self.reporter.now
        rates = self._rates = RatesCB(emit, now, highest=HIGHEST)
        report = ReportCB(self._unless_expected, now, clock)

        def flush() -> None:
            report.flush()
            rates.flush()

        control = ControlCB(self.control, emit, now, clock, flush)
        self._stopped = lambda: control.stopped
        return [control, steps(self.config), DeviceCB(device), report, rates]

    def _unless_expected(self, fact: Fact) -> None:
        """A loss that is not finite is what the search ends with, and no alert."""
        if not (isinstance(fact, Alerted) and fact.topic == "nan"):
            self.reporter.emit(fact)


def verdict(
    rates: Sequence[float], losses: Sequence[float], rate: float | None, *, stopped: bool = False
) -> tuple[str, str]:
    """Why a search that has tried `rates` ended, and how `rate` was found or why there is none; in words."""
    finite = [loss for loss in losses if math.isfinite(loss)]
    return _ended(rates, losses, finite, stopped), _why(rates, losses, rate, stopped)


def _ended(rates: Sequence[float], losses: Sequence[float], finite: Sequence[float], stopped: bool) -> str:
    if stopped:
        return f"stopped on request after {_batches(len(losses))}"
    if not losses:
        return "there was no batch to train on"
    at = f"at rate {rates[-1]:.2g}, in batch {len(losses)}"
    if not math.isfinite(losses[-1]):
        return f"the loss became {losses[-1]:.0f} {at}"
    if losses[-1] > min(finite) + (MAX_MULT - 1) * abs(min(finite)):
        return f"the loss diverged to {losses[-1]:.3g} {at}; its lowest was {min(finite):.3g}"
    return f"the loss had not diverged {at}: no higher rates are tried"


def _why(rates: Sequence[float], losses: Sequence[float], rate: float | None, stopped: bool) -> str:
    if rate is not None:
        return FASTEST if rate in rates else THIRD
    finite = [loss for loss in losses if math.isfinite(loss)]
    if len(finite) < 5:
        what = f"too few: only {_batches(len(finite))} with a finite loss, and five are needed"
        if stopped:
            return f"{what}; let it run longer"
        if losses and not math.isfinite(losses[0]):
            return f"{what}; the loss is not finite at the lowest rate already, so that no rate will help: look for NaN"
        return f"{what}; begin lower (--from) or grow more slowly (--factor)"
    return "the loss never fell, at no rate: does the model have anything to learn, is the optimizer the right one?"


def _batches(count: int) -> str:
    return f"{count} batch" if count == 1 else f"{count} batches"
