"""PreviewCB: the images that were just trained on, and what the model took them for."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from safetensors.torch import save
from torch import Tensor

from miniai.callbacks.base import Callback
from miniai.callbacks.clock import TrainingClock, since_now
from miniai.callbacks.cost import Pace, Stopwatch
from miniai.callbacks.drain import Copy, start_copy
from miniai.run.events import Alerted, Fact, Phase, PreviewSaved

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["PreviewCB", "display_pixels"]

BUDGET = 0.005
"""Share of the training time that previews may take."""


def display_pixels(images: Tensor) -> Tensor:
    """Images (n, c, h, w) as uint8 for display: [0, 1] becomes 0..255; what goes beyond is rescaled to fit.

    NaN is black. Never waits for the device.
    """
    if images.dtype == torch.uint8:
        return images.clone()
    images = images.detach().float().nan_to_num(0.0)
    low, high = images.amin(), images.amax()
    beyond = (low < 0) | (high > 1)
    low = torch.where(beyond, low, torch.zeros_like(low))
    span = torch.where(beyond, (high - low).clamp_min(1e-12), torch.ones_like(high))
    return ((images - low) / span * 255).round_().clamp_(0, 255).to(torch.uint8)


class _Shown(NamedTuple):
    """What one batch has to show, still on its device."""

    images: Tensor
    labels: Tensor
    outputs: Tensor
    step: int
    phase: Phase


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
    (n, classes); of others nothing is saved. A disk that refuses is said once, and training goes on.
    """

    order = 85

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
        self.every, self.count, self.keep, self._copy = every, count, keep, copy
        self._watch, self._pace = Stopwatch(time), Pace(BUDGET)
        self._files: dict[str, None] = {}  # kept ones, oldest first
        self._last: _Shown | None = None  # the last batch that was done, if it is not saved yet
        self._saving: _Saving | None = None
        self._refused = False
        self._due = self._allowed = 0.0  # seconds of training: of the next in passing, at an edge

    def before_batch(self, _learn: Learner, /) -> None:
        """Do not hold two batches in memory."""
        self._last = None

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
        self._last = self._saving = None

    def _shown(self, learn: Learner) -> _Shown | None:
        batch, outputs, at = learn.batch, learn.preds, learn.n_inp
        if not isinstance(batch, (tuple, list)) or len(batch) <= at or not isinstance(outputs, Tensor):
            return None
        images, labels = batch[0], batch[at]
        if not isinstance(images, Tensor) or not isinstance(labels, Tensor):
            return None
        if images.ndim != 4 or outputs.ndim != 2 or labels.ndim != 1 or labels.is_floating_point():
            return None
        return _Shown(images, labels, outputs, learn.steps, "train" if learn.training else "valid")

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
        copies = {name: self._copy(tensor.contiguous()) for name, tensor in tensors.items()}
        self._saving = _Saving(copies, shown.step, shown.phase)
        self._watch.stop(shown.images.device)

    def _save(self, wait: bool) -> None:
        """Write the preview if it has arrived."""
        saving = self._saving
        if saving is None or not (wait or all(copy.ready() for copy in saving.tensors.values())):
            return
        self._saving = None
        self._watch.start()
        tensors = {name: copy.read() for name, copy in saving.tensors.items()}
        file = f"preview/{saving.step}-{saving.phase}.safetensors"
        try:
            self._write(file, save(tensors))
        except OSError as error:
            self._refuse(error)
        else:
            count = len(tensors["labels"])
            self.emit(PreviewSaved(at=self.now(), step=saving.step, phase=saving.phase, file=file, count=count))
        self._watch.stop()
        self._allowed = self.clock.seconds + self._pace.rest(self._watch.seconds())
        self._due = max(self._allowed, self.clock.seconds + self.every)

    def _write(self, file: str, data: bytes) -> None:
        path = self.run_dir / file
        part = path.with_name(path.name + ".part")
        path.parent.mkdir(mode=0o700, exist_ok=True)
        try:
            part.write_bytes(data)
            os.replace(part, path)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        self._files.pop(file, None)
        self._files[file] = None
        while len(self._files) > self.keep:
            oldest = next(iter(self._files))
            del self._files[oldest]
            (self.run_dir / oldest).unlink(missing_ok=True)

    def _refuse(self, error: OSError) -> None:
        if not self._refused:
            self._refused = True
            text = f"previews cannot be saved ({error.strerror or error}): training goes on without"
            self.emit(Alerted(at=self.now(), topic="preview", text=text))
