"""Look at what goes into a model and what comes out, and leave the Learner as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from miniai.callbacks.base import STEPS, Callback, CancelFitException, as_callbacks, find_hooks
from miniai.callbacks.capture import CapturePreds
from miniai.callbacks.func import FuncCB
from miniai.callbacks.snapshot import RandomState
from miniai.conv import to_cpu
from miniai.errors import LearnerError
from miniai.hooks import HooksCallback

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["capture_preds", "kept_modes", "on_one_batch", "show_image_batch"]


@contextmanager
def kept_modes(model: nn.Module) -> Iterator[None]:
    """After the block, each module of `model` is in training or eval mode as it was before."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def _prepares(cb: Callback) -> bool:
    """Whether it may have a part in what the model gets; what only watches the modules has none."""
    return not isinstance(cb, HooksCallback) and any(find_hooks([cb], name) for name in ("before_batch", *STEPS))


def on_one_batch(
    learn: Learner, action: Callable[[Learner], object], cbs: Callback | Iterable[Callback] | None = None
) -> None:
    """Call `action(learn)` when the first training batch stands ready, just before *predict*; then undo everything.

    Only the callbacks that prepare batches or do steps take part, and `cbs`: no metric, no recorder, no progress bar
    notices. Afterwards the Learner's attributes, the modes of its modules and the random state (also the loaders'
    own) are as before; nothing is trained. LearnerError if there is no batch.
    """
    done: list[bool] = []

    def probe(learn: Learner) -> None:
        action(learn)
        done.append(True)
        raise CancelFitException

    last = FuncCB(before_batch=probe, order=10**9)  # every other callback has had the batch
    before = dict(vars(learn))
    random = RandomState(learn.dls)
    with kept_modes(learn.model):
        try:
            learn.cbs = [cb for cb in learn.cbs if _prepares(cb)]
            if not any(True for _ in learn.model.parameters()):
                learn.opt_func = None
            learn.fit(1, valid=False, cbs=[*as_callbacks(cbs), last])
        finally:
            random.restore()
            vars(learn).clear()
            vars(learn).update(before)
    if not done:
        raise LearnerError("no batch came up to predict: does the training loader yield any?")


def show_image_batch(
    learn: Learner, max_n: int = 9, cbs: Callback | Iterable[Callback] | None = None, **kw: Any
) -> None:
    """Draw up to `max_n` images of the first training batch, as the callbacks (and `cbs`) have made it.

    `kw` goes to `show_images`. Nothing is trained, and no random number is drawn from the run's.
    """
    from miniai.plotting import show_images

    found: list[Tensor] = []
    on_one_batch(learn, lambda learn: found.append(to_cpu(learn.batch[0][:max_n])), cbs)
    show_images(found[0], **kw)


def capture_preds(
    learn: Learner, cbs: Callback | Iterable[Callback] | None = None, inps: bool = False
) -> tuple[Any, ...]:
    """All predictions and targets of one pass over the validation data, and all inputs with `inps=True`.

    `cbs` take part in this pass, as do the Learner's own callbacks. The optimizer is the same one afterwards.
    LearnerError if there was no batch.
    """
    capture = CapturePreds(inps=inps)
    opt = learn.opt
    try:
        with kept_modes(learn.model):
            learn.fit(1, train=False, cbs=[capture, *as_callbacks(cbs)])
    finally:
        learn.opt = opt
    if capture.all_preds is None:
        raise LearnerError("no predictions were made: does the validation loader yield any batch?")
    found = (capture.all_preds, capture.all_targs)
    return (*found, capture.all_inps) if inps else found
