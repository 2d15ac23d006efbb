"""WorstCB: the validation images that the model was most wrong about."""

from __future__ import annotations

import time
from collections.abc import Callable, Sized
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from miniai.callbacks.base import Callback
from miniai.callbacks.classes import Classified, classified, in_order
from miniai.callbacks.clock import TrainingClock, since_now
from miniai.callbacks.cost import Pace, Stopwatch
from miniai.callbacks.pictures import PictureFiles, display_pixels
from miniai.run.events import Fact, PreviewSaved

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["WorstCB"]

BUDGET = 0.005
"""Share of the training time that reading and writing the pictures may take."""

_Kept = dict[str, Tensor]
"""`losses`, `labels`, `predictions`, `confidences` (k,) and `images` (k, channels, height, width), on the device."""


class WorstCB(Callback):
    """Save the `count` images of the largest losses of a validation half, and emit PreviewSaved of the kind "worst".

    The loss of a sample is the cross-entropy of its outputs, -log softmax(outputs)[label], from the forward pass that
    validated it; one that is not a number counts as infinite. They are kept on the device batch by batch, without
    waiting for it, and saved at the half's end as `preview/STEP-worst.safetensors` with the tensor `losses`, the
    largest first. Where halves are so short that this would cost too much, some are passed over; the last one of a
    fit is saved in any case. Of what is no classification of images nothing is saved.
    """

    order = 87
    hook_orders: ClassVar[dict[str, int]] = {"cleanup_epoch": 97}  # ReportCB has waited for the device

    def __init__(
        self,
        emit: Callable[[Fact], object],
        run_dir: Path,
        now: Callable[[], float] | None = None,
        clock: TrainingClock | None = None,
        *,
        count: int = 24,
        keep: int = 2,
        time: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.emit, self.now, self.clock, self.count = emit, now or since_now(), clock or TrainingClock(), count
        self._files = PictureFiles(emit, run_dir, self.now, keep)
        self._watch, self._pace = Stopwatch(time), Pace(BUDGET)
        self._kept: _Kept | None = None
        self._unsaved: tuple[_Kept, int, bool] | None = None  # with its step, and whether the half was complete
        self._batches = self._of = 0
        self._due = 0.0

    def before_fit(self, _learn: Learner, /) -> None:
        """Nothing is known yet."""
        self._kept = self._unsaved = None

    def before_epoch(self, learn: Learner, /) -> None:
        """Look anew."""
        if not learn.training:
            self._kept, self._batches = None, 0
            self._of = len(learn.dl) if isinstance(learn.dl, Sized) else 0

    @torch.no_grad()
    def after_batch(self, learn: Learner, /) -> None:
        """Keep the worst of this validation batch and of those before."""
        if learn.training:
            return
        batch = classified(learn)
        if isinstance(batch, str) or batch.images is None or batch.outputs.shape[1] < 2:
            return
        self._batches += 1
        if len(batch.labels):
            mine = self._worst(batch)
            kept = self._kept and {name: part.to(mine[name].device) for name, part in self._kept.items()}
            self._kept = self._merge(kept, mine) if kept else mine

    def _worst(self, batch: Classified) -> _Kept:
        """The worst of one batch."""
        assert batch.images is not None
        device, outputs = batch.outputs.device, batch.outputs.float()
        labels = batch.labels.to(device, torch.long)
        known = (labels >= 0) & (labels < outputs.shape[1])
        losses = F.nll_loss(outputs.log_softmax(1), torch.where(known, labels, 0), reduction="none")
        losses = torch.where(known, losses.nan_to_num(nan=torch.inf), -torch.inf)  # one without a label comes last
        largest, at = losses.topk(min(self.count, len(losses)))
        confidences, predictions = outputs[at].softmax(1).max(1)
        images = batch.images.detach()
        return {
            "losses": largest,
            "labels": labels[at],
            "predictions": predictions,
            "confidences": confidences,
            "images": images[at.to(images.device)],
        }

    def _merge(self, kept: _Kept, mine: _Kept) -> _Kept:
        losses = torch.cat([kept["losses"], mine["losses"]])
        _, at = losses.topk(min(self.count, len(losses)))
        if kept["images"].shape[1:] != mine["images"].shape[1:]:  # pictures of another size cannot lie with these
            return mine
        return {name: torch.cat([kept[name], mine[name]])[at.to(kept[name].device)] for name in kept}

    def cleanup_epoch(self, learn: Learner, /) -> None:
        """Save what was kept."""
        if learn.training or self._kept is None:
            return
        kept, self._kept = self._kept, None
        if not in_order(learn.leaving):
            return
        complete = self._batches >= self._of if self._of else learn.leaving is None
        self._unsaved = kept, learn.steps, complete
        if self.clock.seconds >= self._due:
            self._save()

    def state_dict(self) -> dict[str, Any]:
        """The worst of the running validation so far."""
        return {"kept": self._kept, "batches": self._batches}

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        """Look on."""
        self._kept, self._batches = state["kept"], state["batches"]

    def cleanup_fit(self, _learn: Learner, /) -> None:
        """Save those of the last half, and hold no images."""
        if self._unsaved is not None:
            self._save()
        self._kept = self._unsaved = None

    def _save(self) -> None:
        assert self._unsaved is not None
        (kept, step, complete), self._unsaved = self._unsaved, None
        self._watch.reset()
        self._watch.start()
        tensors = {name: tensor.cpu() for name, tensor in kept.items() if name != "images"}
        tensors["pixels"] = display_pixels(kept["images"]).cpu()
        real = tensors["losses"] > -torch.inf
        tensors = {name: tensor[real].contiguous() for name, tensor in tensors.items()}
        file, count = f"preview/{step}-worst.safetensors", len(tensors["labels"])
        if count and self._files.write(file, tensors):
            saved = PreviewSaved(
                at=self.now(), step=step, phase="valid", file=file, count=count, kind="worst", complete=complete
            )
            self.emit(saved)
        self._watch.stop()
        self._due = self.clock.seconds + self._pace.rest(self._watch.seconds())
