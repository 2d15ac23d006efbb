"""Recorded facts: a deterministic run, as a trainer would report it, without torch and without a clock."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from miniai.run.events import (
    SCHEMA,
    AnyFact,
    ConfusionMeasured,
    DataLoaded,
    EpochEnded,
    EpochStarted,
    FitEnded,
    FitStarted,
    HistogramsMeasured,
    Layer,
    LayersMeasured,
    Number,
    Phase,
    PreviewSaved,
    Progressed,
    RunStarted,
    Scalars,
    StageReached,
    SystemSampled,
    number,
)  # fmt: skip
from miniai.run.machine import GpuKind, GpuUse, Machine
from miniai.run.packed import pack

CLASSES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
LAYERS = [
    Layer("0.0", "Conv2d", "1>8"), Layer("0.1", "ReLU"), Layer("1.0", "Conv2d", "8>16"), Layer("1.1", "ReLU"),
    Layer("2.0", "Conv2d", "16>32"), Layer("2.1", "ReLU"), Layer("3.0", "Conv2d", "32>64"), Layer("3.1", "ReLU"),
    Layer("4.0", "Conv2d", "64>10"),
]  # fmt: skip


@dataclass
class Recording:
    """Facts of a convolutional net on Fashion-MNIST, `every` batches a report."""

    epochs: int = 5
    train_batches: int = 118
    valid_batches: int = 10
    bs: int = 512
    every: int = 4
    layers: list[Layer] = field(default_factory=lambda: list(LAYERS))
    nan_at: int = 0
    """Step from which the loss is NaN; 0: never."""
    seed: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.at, self.step = 0.0, 0

    def start(self) -> Iterator[AnyFact]:
        """Up to the first batch."""
        yield RunStarted(
            at=0.0, schema=SCHEMA, run="20260101-120000-fashion-conv-ab12", wall=1.8e9, dataset="fashion",
            model="conv", epochs=self.epochs, pid=1, host="box",
        )  # fmt: skip
        yield StageReached(at=0.1, stage="loading torch")
        yield StageReached(at=2.0, stage="reading data", done=30_000, total=70_000)
        yield DataLoaded(
            at=2.5, dataset="fashion", source="Debian's dataset-fashion-mnist", sample=False, train=60_000,
            valid=10_000, shape=(1, 28, 28), classes=CLASSES,
        )  # fmt: skip
        yield StageReached(at=2.6, stage="building the model")
        yield FitStarted(
            at=3.0, epochs=self.epochs, model="conv", parameters=30_154, device="cpu", batch_size=self.bs,
            train_batches=self.train_batches, valid_batches=self.valid_batches, lr=0.2, opt="sgd",
            metrics=["accuracy"], layers=self.layers,
        )  # fmt: skip
        yield StageReached(at=3.0, stage="first batch")
        self.at = 3.0

    def loss(self, step: int) -> float:
        """The training loss at one step."""
        if self.nan_at and step >= self.nan_at:
            return math.nan
        return 1.9 * math.exp(-step / 45) + 0.3 + 0.25 * math.exp(-step / 300) + self.random.gauss(0, 0.035)

    def metrics(self, loss: float) -> dict[str, Number]:
        """Loss and accuracy that fit together."""
        accuracy = 1 - 0.33 * loss if math.isfinite(loss) else 0.1
        return {"loss": number(loss), "accuracy": number(max(0.1, min(accuracy, 1.0)))}

    def half(self, epoch: int, phase: Phase, stop_at: int | None = None) -> Iterator[AnyFact]:
        """A half epoch, or its first `stop_at` batches without an end."""
        of = self.train_batches if phase == "train" else self.valid_batches
        size, cost = (self.bs, 0.041) if phase == "train" else (2 * self.bs, 0.04)
        yield EpochStarted(at=self.at, epoch=epoch, phase=phase, batches=of, step=self.step)
        done, seconds, loss = 0, 0.0, self.loss(max(self.step, 1))
        upto = of if stop_at is None else min(stop_at, of)
        while done < upto:
            n = min(self.every, upto - done)
            done, seconds, self.at = done + n, seconds + n * cost, self.at + n * cost
            if phase == "train":
                losses = [self.loss(self.step + 1 + i) for i in range(n)]
                yield Scalars(at=self.at, name="loss", first=self.step + 1, values=[number(x) for x in losses])
                self.step, loss = self.step + n, losses[-1]
                if done % 8 == 0 and self.layers:
                    yield self.measured()
                    if done % 32 == 0:
                        yield self.histograms()
            yield Progressed(
                at=self.at, epoch=epoch, phase=phase, batch=done, samples=done * size, seconds=seconds,
                waited=seconds * 0.02, metrics=self.metrics(loss),
            )  # fmt: skip
        if stop_at is None:
            yield self.ended(epoch, phase, done, of, size, seconds, loss)

    def ended(self, epoch: int, phase: Phase, done: int, of: int, size: int, seconds: float, loss: float) -> EpochEnded:
        """The end of a complete half."""
        return EpochEnded(
            at=self.at, epoch=epoch, phase=phase, metrics=self.metrics(loss + (0.03 if phase == "valid" else 0)),
            batches=done, of=of, samples=done * size, seconds=seconds, step=self.step,
        )  # fmt: skip

    def measured(self) -> LayersMeasured:
        """Layers that differ, the fourth of them mostly near zero."""
        n, warm = len(self.layers), 1 - math.exp(-self.step / 80)
        means = [(0.6 - 0.05 * i) * warm * (1 if i % 2 else -0.6) + 0.02 * self.random.random() for i in range(n)]
        stds = [(0.2 + 0.9 * warm) * (1 - 0.06 * i) for i in range(n)]
        dead = [min(0.97 if i == 5 else 0.35 + 0.05 * i, 1.0) for i in range(n)]
        bad = [9 if self.nan_at and self.step >= self.nan_at else 0] * n
        lists = [[number(x) for x in xs] for xs in (means, stds, dead)]
        own = [layer.kind != "ReLU" for layer in self.layers]
        grads = [number(0.5 * warm / (i + 1)) if has else None for i, has in enumerate(own)]
        ratios = [number(0.01 / (1 + self.step / 50)) if has else None for has in own]
        return LayersMeasured(
            at=self.at, step=self.step, means=lists[0], stds=lists[1], near_zero=lists[2], nonfinite=bad,
            grads=grads, ratios=ratios,
        )  # fmt: skip

    def histograms(self) -> HistogramsMeasured:
        """The layers' outputs, more and more of them spread out; the tenth bin is empty."""
        warm = 1 - math.exp(-self.step / 80)
        row = [0 if bin_ == 9 else int(9000 * warm ** (bin_ / 4) / (1 + bin_)) for bin_ in range(40)]
        return HistogramsMeasured(at=self.at, step=self.step, layers=[pack(row)] * len(self.layers))

    def preview(self, file: str, phase: Phase = "train", count: int = 32) -> PreviewSaved:
        """An event that names an image file."""
        return PreviewSaved(at=self.at, step=self.step, phase=phase, file=file, count=count)

    def worst(self, file: str, count: int = 24) -> PreviewSaved:
        """An event that names the images with the largest losses."""
        return PreviewSaved(at=self.at, step=self.step, phase="valid", file=file, count=count, kind="worst")

    def confused(self, epoch: int = 0, classes: int = 10, each: int = 1000, complete: bool = True) -> ConfusionMeasured:
        """Classes of which each is taken for the next two now and then."""
        wrong = {(i, (i + j) % classes): each // (10 * j + i) for i in range(classes) for j in (1, 2) if classes > j}
        wrong = {pair: often for pair, often in wrong.items() if often}
        lost = [sum(k for (is_, _), k in wrong.items() if is_ == i) for i in range(classes)]
        table = {**wrong, **{(i, i): each - lost[i] for i in range(classes)}}
        square = [[table.get((i, j), 0) for j in range(classes)] for i in range(classes)]
        pairs = sorted(((i, j, k) for (i, j), k in wrong.items()), key=lambda pair: -pair[2])
        return ConfusionMeasured(
            at=self.at, epoch=epoch, step=self.step, classes=classes, complete=complete, pairs=pairs[:200],
            counts=[n for row in square for n in row] if classes <= 64 else [], totals=[each] * classes,
            right=[square[i][i] for i in range(classes)],
            predicted=[sum(row[j] for row in square) for j in range(classes)],
        )  # fmt: skip

    def sampled(self, n: int = 1, gpus: int = 1, why: str = "") -> Iterator[SystemSampled]:
        """`n` samples of a machine with so many GPUs; the last number of the last GPU is not known."""
        kinds = [
            GpuKind(name="NVIDIA H100 80GB HBM3", index=i, used=i == 0, memory=81559, power=700) for i in range(gpus)
        ]
        machine = Machine(cores=16, memory=128 * 1024, disk=500 * 1024, gpus=kinds, why=why)
        for i in range(n):
            busy = 0.5 + 0.45 * math.sin(i / 5)
            uses = [GpuUse(busy, 12000 + 50 * i, 55.0 + i % 8, None if j == gpus - 1 else 300.0) for j in range(gpus)]
            yield SystemSampled(
                at=self.at + 2 * i, machine=None if i else machine, gpus=uses, cpu=0.4, memory=30000 + i,
                process_cpu=1.52, process_memory=4000, disk_free=200 * 1024,
            )  # fmt: skip

    def whole(self) -> Iterator[AnyFact]:
        """A complete run."""
        yield from self.start()
        for epoch in range(self.epochs):
            yield from self.half(epoch, "train")
            yield from self.half(epoch, "valid")
        yield FitEnded(at=self.at, reason="done", step=self.step)

    def until(self, epoch: int, batch: int, phase: Phase = "train") -> Iterator[AnyFact]:
        """A run that stands in the middle of `epoch`, counted from 0."""
        yield from self.start()
        for done in range(epoch):
            yield from self.half(done, "train")
            yield from self.half(done, "valid")
        if phase == "valid":
            yield from self.half(epoch, "train")
        yield from self.half(epoch, phase, stop_at=batch)
