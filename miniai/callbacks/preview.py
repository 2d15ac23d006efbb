"""PreviewCB: the images that were just trained on, and what the model took them for."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from miniai.callbacks.base import Callback
from miniai.callbacks.clock import TrainingClock, since_now
from miniai.callbacks.cost import Pace, Stopwatch
from miniai.callbacks.device import DeviceCB
from miniai.callbacks.drain import Copy, start_copy
from miniai.callbacks.pictures import PictureFiles, display_pixels
from miniai.callbacks.transform import BatchTransformCB
from miniai.run.events import Fact, Phase, PreviewSaved

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["PreviewCB", "display_pixels"]

BEFORE = 2**20
"""Numbers of a batch's first images that are copied before a batch transform changes them."""
BUDGET = 0.005
"""Share of the training time that previews may take."""


class _Shown(NamedTuple):
    """What one batch has to show, still on its device."""

    images: Tensor
    labels: Tensor
    outputs: Tensor
    step: int
    phase: Phase
    before: Tensor | None


class _Saving(NamedTuple):
    """A preview on its way to the disk."""

    tensors: dict[str, Copy]
    step: int
    phase: Phase


class PreviewCB(Callback):
    """Save the first `count` images of a batch with labels, predictions and confidences, and emit PreviewSaved.

    About every `every` seconds, and at the end of each half epoch. Predictions are those of the very forward pass
    that trained or validated the batch. Files are `preview/STEP-PHASE.safetensors` in `run_dir`, replaced
    atomically; the last `keep` stay. Only for batches of images (n, c, h, w) with class labels (n,) and outputs
    (n, classes); of others nothing is saved. Where a BatchTransformCB changes the batch, the tensor `before` has the
    first images as they were. A disk that refuses is said once, and training goes on.
    """

    order = 85
    hook_orders: ClassVar[dict[str, int]] = {"before_batch": DeviceCB.order}  # before a BatchTransformCB

    def __init__(
        self,
        emit: Callable[[Fact], object],
        run_dir: Path,
        now: Callable[[], float] | None = None,
        clock: TrainingClock | None = None,
        *,
        every: float = 1.0,
        count: int = 64,
        keep: int = 3,
        copy: Callable[[Tensor], Copy] = start_copy,
        time: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.emit, self.run_dir = emit, run_dir
        self.now, self.clock = now or since_now(), clock or TrainingClock()
        self.every, self.count, self._copy = every, count, copy
        self._files = PictureFiles(emit, run_dir, self.now, keep)
        self._watch, self._pace = Stopwatch(time), Pace(BUDGET)
        self._changers: list[BatchTransformCB] = []
        self._before: Tensor | None = None  # of the running batch, its first images as the loader gave them
        self._last: _Shown | None = None  # the last batch that was done, if it is not saved yet
        self._saving: _Saving | None = None
        self._due = self._allowed = 0.0  # seconds of training: of the next in passing, at an edge

    def before_fit(self, learn: Learner, /) -> None:
        """Find out who changes batches."""
        self._changers = [cb for cb in learn.cbs if isinstance(cb, BatchTransformCB)]

    def before_batch(self, learn: Learner, /) -> None:
        """Do not hold two batches in memory; copy what is going to be changed."""
        self._last = self._before = None
        if any(cb.on_train if learn.training else cb.on_val for cb in self._changers):
            self._before = self._copied(learn.batch)

    def _copied(self, batch: Any) -> Tensor | None:
        """The first images, as many as cost little."""
        images = batch[0] if isinstance(batch, (tuple, list)) and batch else None
        if not isinstance(images, Tensor) or images.ndim != 4 or not images.numel():
            return None
        many = max(min(self.count, BEFORE // images[0].numel()), 1)
        return images[:many].detach().clone()

    def after_batch(self, learn: Learner, /) -> None:
        """Save this batch if it is time."""
        self._last = self._shown(learn)
        if self._saving is not None:
            self._save(wait=False)
        elif self._last is not None and self.clock.seconds >= self._due:
            self._start(self._last)
            self._save(wait=False)

    def cleanup_epoch(self, _learn: Learner, /) -> None:
        """Save the last batch of the half epoch, unless such halves are so short that it would cost too much."""
        if self._saving is not None:
            self._save(wait=True)
        if self._last is not None and self.clock.seconds >= self._allowed:
            self._start(self._last)
            self._save(wait=True)

    def cleanup_fit(self, _learn: Learner, /) -> None:
        """Save the last batch of all, and hold no batch."""
        if self._last is not None:
            self._start(self._last)
            self._save(wait=True)
        self._last = self._saving = self._before = None

    def _shown(self, learn: Learner) -> _Shown | None:
        batch, outputs, at = learn.batch, learn.preds, learn.n_inp
        if not isinstance(batch, (tuple, list)) or len(batch) <= at or not isinstance(outputs, Tensor):
            return None
        images, labels = batch[0], batch[at]
        if not isinstance(images, Tensor) or not isinstance(labels, Tensor):
            return None
        if images.ndim != 4 or outputs.ndim != 2 or labels.ndim != 1 or labels.is_floating_point():
            return None
        return _Shown(images, labels, outputs, learn.steps, "train" if learn.training else "valid", self._before)

    @torch.no_grad()
    def _start(self, shown: _Shown) -> None:
        """Begin to bring one batch's preview to the CPU."""
        self._last = None
        self._watch.reset()
        self._watch.start(shown.images.device)
        n = self.count
        confidences, predictions = shown.outputs[:n].detach().float().softmax(1).max(1)
        tensors = {
            "pixels": display_pixels(shown.images[:n]),
            "labels": shown.labels[:n].long().clone(),
            "predictions": predictions,
            "confidences": confidences,
        }
        tensors |= self._compared(shown)
        copies = {name: self._copy(tensor.contiguous()) for name, tensor in tensors.items()}
        self._saving = _Saving(copies, shown.step, shown.phase)
        self._watch.stop(shown.images.device)

    def _compared(self, shown: _Shown) -> dict[str, Tensor]:
        """The images before and after a transform, on one scale of brightness."""
        before = shown.before
        if before is None:
            return {}
        after = shown.images[: self.count]
        same = before.shape[1:] == after.shape[1:] and before.dtype == after.dtype and before.device == after.device
        if not same:
            return {"before": display_pixels(before)}
        both = display_pixels(torch.cat([before, after]))
        return {"before": both[: len(before)], "pixels": both[len(before) :]}

    def _save(self, wait: bool) -> None:
        """Write the preview if it has arrived."""
        saving = self._saving
        if saving is None or not (wait or all(copy.ready() for copy in saving.tensors.values())):
            return
        self._saving = None
        self._watch.start()
        tensors = {name: copy.read() for name, copy in saving.tensors.items()}
        file = f"preview/{saving.step}-{saving.phase}.safetensors"
        if self._files.write(file, tensors):
            count = len(tensors["labels"])
            self.emit(PreviewSaved(at=self.now(), step=saving.step, phase=saving.phase, file=file, count=count))
        self._watch.stop()
        self._allowed = self.clock.seconds + self._pace.rest(self._watch.seconds())
        self._due = max(self._allowed, self.clock.seconds + self.every)
