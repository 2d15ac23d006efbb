"""From a configuration to a trained model: device, seed, data, model, Learner, callbacks, fit.

No torch at the top: loading it is a stage that the screen shows.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from miniai import schedules
from miniai.config import RunConfig, check
from miniai.heavy import load_torch
from miniai.recipe import recipe
from miniai.run.control import RunControl
from miniai.run.directory import RunDir
from miniai.run.events import Alerted, DataLoaded, FitStarted, StageReached
from miniai.run.reporter import Reporter

if TYPE_CHECKING:
    import torch
    from torch import nn

    from miniai.callbacks.base import Callback
    from miniai.callbacks.checkpoint import CheckpointCB
    from miniai.callbacks.clock import TrainingClock
    from miniai.callbacks.layers import LayerStatsCB
    from miniai.catalog import ImageData
    from miniai.learner import Learner
    from miniai.run.resuming import Resumption
    from miniai.run.watch import Watch

__all__ = ["Fitting", "StoppedEarly"]

Stage = Literal[
    "loading torch", "looking for a GPU", "looking for data", "reading data", "building the model", "first batch",
    "looking at the data",
]  # fmt: skip


class StoppedEarly(Exception):
    """A stop was asked before the first batch."""


class Fitting:
    """One fit as `config` describes it, reporting through `reporter` and obeying `control`."""

    def __init__(self, run: RunDir, config: RunConfig, control: RunControl, reporter: Reporter) -> None:
        self.run_dir, self.config, self.control, self.reporter = run, config, control, reporter
        self.learn: Learner | None = None
        """Made when torch and the data are there."""
        self.resumption: Resumption | None = None
        """Where the fit goes on, if it does; to be set before `run`."""
        self.watch: Watch | None = None
        """Whose counts a resumed fit goes on with; to be set before `run`."""
        self._stopped: Callable[[], bool] = bool

    @property
    def step(self) -> int:
        """Batches trained so far."""
        before = 0 if self.resumption is None else self.resumption.state.step
        return before if self.learn is None else max(self.learn.steps, before)

    def run(self) -> Literal["done", "stopped"]:
        """Prepare and fit; raises what training raises."""
        try:
            learn = self.prepare()
        except StoppedEarly:
            return "stopped"
        learn.fit(self.config.epochs)
        return "stopped" if self._stopped() else "done"

    def _stage(self, stage: Stage, done: int = 0, total: int = 0) -> None:
        """Say how far the preparation is; the place where a stop takes effect before there are batches."""
        if self.control.stop_asked:
            raise StoppedEarly
        self.reporter.emit(StageReached(at=self.reporter.now(), stage=stage, done=done, total=total))

    def prepare(self) -> Learner:
        """Everything up to the first batch: device, seed, data, model, Learner."""
        check(self.config)
        self._stage("loading torch")
        load_torch()
        import torch

        from miniai.activations import set_seed
        from miniai.device import pick_device

        if self.config.threads is not None:
            torch.set_num_threads(self.config.threads)
        if self.config.device == "auto":
            self._stage("looking for a GPU")
        device, alert = pick_device(self.config.device)
        if alert:
            self.reporter.emit(Alerted(at=self.reporter.now(), topic="device", text=alert))
        data = self._load_data()
        self._stage("building the model")
        set_seed(self.config.seed)
        self.learn = self._learner(data, device)
        self._stage("first batch")
        return self.learn

    def _load_data(self) -> ImageData:
        from miniai.catalog import load

        def progress(stage: str, done: int, total: int) -> None:
            for known in get_args(Stage):
                if stage == known:
                    self._stage(known, done, total)

        folder = self.config.data_dir
        data = load(self.config.dataset, data_dir=Path(folder) if folder else None, progress=progress)
        self.reporter.emit(
            DataLoaded(
                at=self.reporter.now(),
                dataset=data.name,
                source=data.source,
                sample=data.sample,
                train=len(data.train_x),
                valid=len(data.valid_x),
                shape=data.shape,
                classes=data.classes,
            )
        )
        if data.note:
            self.reporter.emit(Alerted(at=self.reporter.now(), topic="data", text=data.note))
        return data

    def _learner(self, data: ImageData, device: torch.device) -> Learner:
        from torch.nn import functional as F

        from miniai.assembly import assemble, augmenting
        from miniai.callbacks.clock import TrainingClock
        from miniai.details import modules
        from miniai.learner import Learner

        how = recipe(self.config)
        parts = assemble(self.config, how, data, device)
        clock = TrainingClock()
        layers = self._layers(parts.model, clock)
        train_batches = len(parts.dls.train)
        self.reporter.emit(
            FitStarted(
                at=self.reporter.now(),
                epochs=self.config.epochs if self.resumption is None else self.resumption.state.n_epochs,
                model=self.config.model,
                parameters=sum(p.numel() for p in parts.model.parameters()),
                device=str(device),
                batch_size=how.bs,
                train_batches=train_batches,
                valid_batches=len(parts.dls.valid),
                lr=how.lr,
                opt=how.opt,
                sched=how.sched,
                metrics=["accuracy"],
                layers=[] if layers is None else layers.layers,
                modules=modules(parts.model),
                trainable=sum(p.numel() for p in parts.model.parameters() if p.requires_grad),
            )
        )
        schedule = schedules.callback(how.sched, how.lr, train_batches * self.config.epochs)
        optional = [*(cb for cb in (layers, schedule) if cb is not None), *augmenting(self.config, data)]
        return Learner(
            parts.model,
            parts.dls,
            loss_func=F.cross_entropy,
            lr=how.lr,
            cbs=[*self._callbacks(device, clock), *optional],
            opt_func=parts.opt_func,
        )

    def _layers(self, model: nn.Module, clock: TrainingClock) -> LayerStatsCB | None:
        from miniai.callbacks.layers import LayerStatsCB

        if not self.config.stats:
            return None
        emit, now = self.reporter.emit, self.reporter.now
        return LayerStatsCB(emit, now, clock, model=model, every=self.config.stats_every)

    def _callbacks(self, device: torch.device, clock: TrainingClock) -> list[Callback]:
        from miniai.assembly import steps
        from miniai.callbacks.confusion import ConfusionCB
        from miniai.callbacks.control import ControlCB
        from miniai.callbacks.device import DeviceCB
        from miniai.callbacks.environment import EnvironmentCB
        from miniai.callbacks.metrics import MetricsCB
        from miniai.callbacks.preview import PreviewCB
        from miniai.callbacks.report import ReportCB
        from miniai.callbacks.system import SystemCB
        from miniai.callbacks.worst import WorstCB
        from miniai.metrics import Accuracy

        emit, now = self.reporter.emit, self.reporter.now
        report = ReportCB(emit, now, clock)
        saver = self._saver(clock, report.flush)
        control = ControlCB(self.control, emit, now, clock, report.flush, saver)
        self._stopped = lambda: control.stopped
        watching = [
            PreviewCB(emit, self.run_dir.path, now, clock),
            report,
            ConfusionCB(emit, now, clock),
            WorstCB(emit, self.run_dir.path, now, clock),
            SystemCB(emit, self.run_dir.path, now),
            EnvironmentCB(emit, now, device),
        ]
        training = [control, steps(self.config), DeviceCB(device), MetricsCB(accuracy=Accuracy())]
        return [*training, *watching, *self._alerts(), saver, *self._resuming()]

    def _alerts(self) -> list[Callback]:
        from miniai.callbacks.alerts import AlertsCB

        return [] if self.watch is None else [AlertsCB(self.watch)]

    def _saver(self, clock: TrainingClock, flush: Callable[[], object]) -> CheckpointCB:
        from miniai.callbacks.checkpoint import CheckpointCB

        config, emit, now = self.config, self.reporter.emit, self.reporter.now
        return CheckpointCB(
            emit, self.run_dir.checkpoints, now, clock, flush=flush, stopped=self._was_stopped,
            every=config.save_every, minutes=config.save_minutes, best=config.save_best, keep=config.keep,
        )  # fmt: skip

    def _was_stopped(self) -> bool:
        return self._stopped()

    def _resuming(self) -> list[Callback]:
        from miniai.callbacks.resume import ResumeCB

        if self.resumption is None:
            return []
        path, state, _ = self.resumption
        return [ResumeCB(path, state, self.reporter.emit, self.reporter.now, until=self.config.until)]
