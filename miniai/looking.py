"""Look at what goes into a model and what comes out, and leave the Learner as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from miniai.callbacks.base import STEPS, Callback, CancelFitException, as_callbacks, find_hooks
from miniai.callbacks.capture import CapturePreds
from miniai.callbacks.func import FuncCB
from miniai.callbacks.lr_find import LRFinderCB
from miniai.callbacks.snapshot import Modes
from miniai.conv import to_cpu
from miniai.errors import LearnerError
from miniai.hooks import HooksCallback
from miniai.random_state import RandomState

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["capture_preds", "kept_modes", "lr_find", "on_one_batch", "one_pass", "show_image_batch", "trial"]

_PREPARE = ("before_batch", *STEPS)
"""The hooks and steps of a callback that decide what the model gets and what becomes of its output."""
_TRAIN = (*_PREPARE, "after_predict", "after_loss", "after_backward")
"""Those that decide how it is trained, too: gradients are clipped in after_backward."""


@contextmanager
def kept_modes(model: nn.Module) -> Iterator[None]:
    """After the block, each module of `model` is in training or eval mode as it was before."""
    modes = Modes(model)
    try:
        yield
    finally:
        modes.restore()


def _prepares(cb: Callback, names: Iterable[str] = _PREPARE) -> bool:
    """Whether it may have a part in what the model gets; what only watches has none."""
    return not isinstance(cb, HooksCallback) and not hasattr(cb, "emit") and any(find_hooks([cb], n) for n in names)


@contextmanager
def trial(
    learn: Learner, cbs: Callback | Iterable[Callback] | None = None, hooks: Iterable[str] = _PREPARE
) -> Iterator[list[Callback]]:
    """A block of fits that leave no trace, besides what they do to the weights; yields what to give them as `cbs`.

    Only those of the Learner's callbacks take part that have one of the `hooks`, by default those that prepare batches
    or do steps, and `cbs`: no metric, recorder, schedule, progress bar or statistic notices, and nothing is reported
    to a monitor. Afterwards the Learner's attributes, the modes of its modules and the random state (also the
    loaders' own) are as before.
    """
    extra = as_callbacks(cbs)
    before = dict(vars(learn))
    random, modes = RandomState(learn.dls), Modes(learn.model)
    try:
        learn.cbs = [cb for cb in learn.cbs if _prepares(cb, hooks) and not any(cb is other for other in extra)]
        yield extra
    finally:
        random.restore()
        modes.restore()
        vars(learn).clear()
        vars(learn).update(before)


def on_one_batch(
    learn: Learner, action: Callable[[Learner], object], cbs: Callback | Iterable[Callback] | None = None
) -> None:
    """Call `action(learn)` when the first training batch stands ready, just before *predict*; then undo everything.

    It is a `trial`: only the callbacks that prepare batches or do steps take part, and `cbs`. Nothing is trained.
    LearnerError if there is no batch.
    """
    done: list[bool] = []

    def probe(learn: Learner) -> None:
        action(learn)
        done.append(True)
        raise CancelFitException

    last = FuncCB(before_batch=probe, order=10**9)  # every other callback has had the batch
    with trial(learn, cbs) as extra:
        if not any(True for _ in learn.model.parameters()):
            learn.opt_func = None
        learn.fit(1, valid=False, cbs=[*extra, last])
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

    Of the Learner's own callbacks those take part that prepare batches or do steps, and `cbs`; the Learner, what its
    callbacks have recorded and the random state are afterwards as before. LearnerError if there was no batch.
    """
    with trial(learn, cbs) as extra:
        return one_pass(learn, extra, inps)


def one_pass(learn: Learner, cbs: Iterable[Callback], inps: bool = False) -> tuple[Any, ...]:
    """What `capture_preds` returns, by a pass in a trial that is under way."""
    capture = CapturePreds(inps=inps)
    learn.fit(1, train=False, cbs=[capture, *cbs])
    if capture.all_preds is None:
        raise LearnerError("no predictions were made: does the validation loader yield any batch?")
    found = (capture.all_preds, capture.all_targs)
    return (*found, capture.all_inps) if inps else found


def lr_find(
    learn: Learner,
    gamma: float = 1.3,
    max_mult: float = 3,
    start_lr: float = 1e-5,
    max_epochs: int = 10,
    cbs: Callback | Iterable[Callback] | None = None,
) -> LRFinderCB:
    """Train with a rate that begins at `start_lr` and grows by `gamma` a batch, until the loss grows too.

    It ends when a batch's loss is not finite or more than `max_mult` times the smallest so far, or after
    `max_epochs`. The result has the curve (`lrs`, `losses`, `plot()`) and a `suggestion`; a notebook shows it.

    Of the Learner's own callbacks those take part by which a batch or its gradients may change (before_batch,
    after_predict, after_loss, after_backward and the steps), and `cbs`. The Learner, its model, optimizer, what its
    callbacks have recorded and the random state are afterwards as before.
    """
    finder = LRFinderCB(gamma, max_mult, start_lr=start_lr)
    lr = None if learn.opt_func is None else start_lr  # an optimizer of one's own keeps its groups
    with trial(learn, cbs, _TRAIN) as extra:
        learn.fit(max_epochs, valid=False, cbs=[finder, *extra], lr=lr)
    return finder
