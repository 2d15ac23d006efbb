"""From a configuration to a trained model: device, seed, data, model, Learner, callbacks, fit.

No torch at the top: loading it is a stage that the screen shows.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from miniai.config import RunConfig
from miniai.run.control import RunControl
from miniai.run.directory import RunDir
from miniai.run.events import Alerted, DataLoaded, FitStarted, StageReached
from miniai.run.reporter import Reporter

if TYPE_CHECKING:
    import torch
    from torch import nn

    from miniai.callbacks.base import Callback
    from miniai.callbacks.clock import TrainingClock
    from miniai.callbacks.layers import LayerStatsCB
    from miniai.catalog import ImageData
    from miniai.learner import Learner

__all__ = ["Fitting"]

Stage = Literal["loading torch", "looking for data", "reading data", "building the model", "first batch"]


class _StoppedEarly(Exception):
    """A stop was asked before the first batch."""


class Fitting:
    """One fit as `config` describes it, reporting through `reporter` and obeying `control`."""

    def __init__(self, run: RunDir, config: RunConfig, control: RunControl, reporter: Reporter) -> None:
        self.run_dir, self.config, self.control, self.reporter = run, config, control, reporter
        self.learn: Learner | None = None
        """Made when torch and the data are there."""
        self._stopped: Callable[[], bool] = bool

    @property
    def step(self) -> int:
        """Batches trained so far."""
        return 0 if self.learn is None else self.learn.steps

    def run(self) -> Literal["done", "stopped"]:
        """Prepare and fit; raises what training raises."""
        try:
            learn = self.prepare()
        except _StoppedEarly:
            return "stopped"
        learn.fit(self.config.epochs)
        return "stopped" if self._stopped() else "done"

    def _stage(self, stage: Stage, done: int = 0, total: int = 0) -> None:
        """Say how far the preparation is; the place where a stop takes effect before there are batches."""
        if self.control.stop_asked:
            raise _StoppedEarly
        self.reporter.emit(StageReached(at=self.reporter.now(), stage=stage, done=done, total=total))

    def prepare(self) -> Learner:
        """Everything up to the first batch: device, seed, data, model, Learner."""
        self._stage("loading torch")
        import torch

        from miniai.activations import set_seed
        from miniai.device import pick_device

        if self.config.threads is not None:
            torch.set_num_threads(self.config.threads)
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

        from miniai import models, optimizers
        from miniai.callbacks.clock import TrainingClock
        from miniai.datasets import DataLoaders
        from miniai.learner import Learner
        from miniai.loader import MemoryLoader

        defaults = models.defaults(self.config.model)
        bs = self.config.bs or defaults.bs
        opt = self.config.opt or defaults.opt
        lr = defaults.lr if self.config.lr is None else self.config.lr
        model = models.build(self.config.model, data.shape, len(data.classes)).to(device)
        train_x, train_y, valid_x, valid_y = (
            t.to(device) for t in (data.train_x, data.train_y, data.valid_x, data.valid_y)
        )
        dls = DataLoaders(MemoryLoader(train_x, train_y, bs, shuffle=True), MemoryLoader(valid_x, valid_y, 2 * bs))
        clock = TrainingClock()
        layers = self._layers(model, clock)
        self.reporter.emit(
            FitStarted(
                at=self.reporter.now(),
                epochs=self.config.epochs,
                model=self.config.model,
                parameters=sum(p.numel() for p in model.parameters()),
                device=str(device),
                batch_size=bs,
                train_batches=len(dls.train),
                valid_batches=len(dls.valid),
                lr=lr,
                opt=opt,
                metrics=["accuracy"],
                layers=[] if layers is None else layers.layers,
            )
        )
        return Learner(
            model,
            dls,
            loss_func=F.cross_entropy,
            lr=lr,
            cbs=self._callbacks(device, layers, clock),
            opt_func=optimizers.get(opt),
        )

    def _layers(self, model: nn.Module, clock: TrainingClock) -> LayerStatsCB | None:
        from miniai.callbacks.layers import LayerStatsCB

        if not self.config.stats:
            return None
        emit, now = self.reporter.emit, self.reporter.now
        return LayerStatsCB(emit, now, clock, model=model, every=self.config.stats_every)

    def _callbacks(self, device: torch.device, layers: LayerStatsCB | None, clock: TrainingClock) -> list[Callback]:
        from miniai.callbacks.control import ControlCB
        from miniai.callbacks.device import DeviceCB
        from miniai.callbacks.metrics import MetricsCB
        from miniai.callbacks.preview import PreviewCB
        from miniai.callbacks.report import ReportCB
        from miniai.callbacks.train import TrainCB
        from miniai.metrics import Accuracy

        emit, now = self.reporter.emit, self.reporter.now
        report = ReportCB(emit, now, clock)
        control = ControlCB(self.control, emit, now, clock, report.flush)
        self._stopped = lambda: control.stopped
        preview = PreviewCB(emit, self.run_dir.path, now, clock)
        cbs = [control, TrainCB(), DeviceCB(device), MetricsCB(accuracy=Accuracy()), preview, report]
        return cbs if layers is None else [*cbs, layers]
