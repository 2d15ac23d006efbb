"""The Learner: the training loop that its callbacks fill and steer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn, optim

from miniai.callbacks.base import (
    STEPS,
    Callback,
    CancelBatchException,
    CancelEpochException,
    CancelFitException,
    Hook,
    as_callbacks,
    check_callback,
    find_hooks,
    run_cbs,
)  # fmt: skip
from miniai.callbacks.device import DeviceCB
from miniai.callbacks.events import run_all, with_cbs
from miniai.callbacks.func import CompletionCB, FuncCB, SingleBatchCB
from miniai.callbacks.metrics import MetricsCB
from miniai.callbacks.train import TrainCB
from miniai.conv import to_cpu
from miniai.errors import LearnerError

__all__ = [
    "Callback", "CancelBatchException", "CancelEpochException", "CancelFitException", "CompletionCB", "DeviceCB",
    "FuncCB", "Learner", "MetricsCB", "MomentumLearner", "SingleBatchCB", "TrainCB", "TrainLearner", "run_cbs",
    "to_cpu", "with_cbs",
]  # fmt: skip


class Learner:
    """A model, its data, its loss and its optimizer, and the loop that trains it.

    ```text
    fit(n_epochs):
        make the optimizer
        before_fit
        for epoch in epochs:
            for half in train, valid:               # valid without gradients
                before_epoch
                for iter, batch in enumerate(dl):
                    before_batch
                    predict;        after_predict
                    get_loss;       after_loss
                    if training:
                        backward;   after_backward
                        step;       after_step
                        zero_grad
                    after_batch
                    cleanup_batch                   # always
                after_epoch
                cleanup_epoch                       # always
        after_fit
        cleanup_fit                                 # always
    ```

    `before_*`, `after_*` and `cleanup_*` are hooks of the callbacks; *predict*, *get_loss*, *backward*, *step* and
    *zero_grad* are methods of the callbacks too (see `TrainCB`), unless a subclass defines them here. A hook may
    replace `epochs` (before_fit), `dl` (before_epoch) and `batch` (before_batch), and may raise
    CancelBatchException, CancelEpochException or CancelFitException: `with_cbs` tells what they skip.

    `dls` has the loaders as `.train` and `.valid`; each yields batches, tuples of inputs and targets.
    `opt_func(parameters, lr)` makes a new optimizer for each fit; with None the caller sets `opt`.
    `cbs` is one callback or many; they run in the order of their `order`.
    """

    metrics: MetricsCB
    """Set by MetricsCB for others to find it."""

    def __init__(
        self,
        model: nn.Module,
        dls: Any = (0,),
        loss_func: Callable[..., torch.Tensor] = F.mse_loss,
        lr: float = 0.1,
        cbs: Callback | Iterable[Callback] | None = None,
        opt_func: Callable[..., Any] | None = optim.SGD,
    ) -> None:
        self.model, self.dls, self.loss_func, self.lr, self.opt_func = model, dls, loss_func, lr, opt_func
        self.cbs = as_callbacks(cbs)
        self.opt: Any = None
        self.n_epochs = 0
        self.epochs: Iterable[int] = range(0)
        self.epoch = self.iter = 0
        self.steps = 0
        """Batches trained so far, over all fits."""
        self.n_inp = 1
        """How many of a batch's parts are inputs; the others are targets."""
        self.dl: Any = None
        self.batch: Any = None
        self.preds: Any = None
        self.loss: Any = None
        self.leaving: BaseException | None = None
        """In `cleanup_*`: the exception that ends this fit, epoch or batch; None if it was done in full."""
        self._hooks: dict[str, tuple[Hook, ...]] = {}
        self._hooks_of: list[Callback] = []

    @property
    def training(self) -> bool:
        """Whether the model is in training mode."""
        return self.model.training

    def fit(
        self,
        n_epochs: int = 1,
        train: bool = True,
        valid: bool = True,
        cbs: Callback | Iterable[Callback] | None = None,
        lr: float | None = None,
    ) -> None:
        """Train for `n_epochs`; `cbs` and `lr` are for this fit only."""
        own, extra = self.cbs, as_callbacks(cbs)
        self.cbs = [*as_callbacks(own), *extra]
        self._hooks_of, self._hooks = [], {}
        try:
            self.n_epochs, self.epochs, self.n_inp = n_epochs, range(n_epochs), 1
            if self.opt_func is not None:
                self.opt = self.opt_func(self.model.parameters(), self.lr if lr is None else lr)
            self._fit(train, valid)
        finally:
            self._remove(extra)
            if self.cbs == own:
                self.cbs = own  # the same list again, unless callbacks came or went

    def _remove(self, extra: list[Callback]) -> None:
        """Take the callbacks of one fit out again: the last of each, should it be there twice."""
        for cb in extra:
            places = [i for i, other in enumerate(self.cbs) if other is cb]
            if places:
                del self.cbs[places[-1]]

    @with_cbs("fit")
    def _fit(self, train: bool, valid: bool) -> None:
        halves = [training for training, wanted in ((True, train), (False, valid)) if wanted]
        for training in halves:
            self._loader(training)  # a missing loader is an error now, not after the first training half
        for self.epoch in self.epochs:  # noqa: B020
            for training in halves:
                with torch.set_grad_enabled(training and torch.is_grad_enabled()):
                    self.one_epoch(training)

    def _loader(self, training: bool) -> Any:
        name = "train" if training else "valid"
        dl = getattr(self.dls, name, None)
        if dl is None:
            raise LearnerError(f"dls has no loader called {name}: give it one, or call fit({name}=False)")
        return dl

    def one_epoch(self, training: bool) -> None:
        """One half epoch: all batches of `dls.train` or `dls.valid`."""
        self.model.train(training)
        self.dl = self._loader(training)
        self._one_epoch()

    @with_cbs("epoch")
    def _one_epoch(self) -> None:
        for self.iter, self.batch in enumerate(self.dl):  # noqa: B020
            self._one_batch()

    @with_cbs("batch")
    def _one_batch(self) -> None:
        self.predict()
        self.callback("after_predict")
        self.get_loss()
        self.callback("after_loss")
        if self.training:
            try:
                self._update()
            except BaseException:
                self._drop_gradients()
                raise

    def _update(self) -> None:
        self.backward()
        self.callback("after_backward")
        self.step()
        self.steps += 1
        self.callback("after_step")
        self.zero_grad()

    def _drop_gradients(self) -> None:
        """Leave no gradient of a cancelled batch to join the next one's."""
        for parameter in self.model.parameters():
            parameter.grad = None
        if hasattr(self.opt, "zero_grad"):
            self.opt.zero_grad()

    def callback(self, method_nm: str) -> None:
        """Call the hook called `method_nm` of every callback, in their order."""
        hooks = self._find(method_nm)
        if method_nm.startswith("cleanup_"):
            run_all(hooks, self)
        else:
            for hook in hooks:
                hook(self)

    def _find(self, name: str) -> tuple[Hook, ...]:
        """The hooks called `name`, found once for as long as `cbs` stays as it is."""
        if self._hooks_of != self.cbs:
            self._hooks_of, self._hooks = [check_callback(cb) for cb in self.cbs], {}
        hooks = self._hooks.get(name)
        if hooks is None:
            hooks = self._hooks[name] = find_hooks(self.cbs, name)
        return hooks

    def _ask(self, step: str) -> None:
        """Have the callbacks do one of the five steps."""
        hooks = self._find(step)
        if not hooks:
            raise LearnerError(
                f"nobody does the step {step!r}: give the Learner TrainCB() or another callback with {step}(learn), "
                f"or define {step} in a subclass (the steps are {', '.join(STEPS)})"
            )
        for hook in hooks:
            hook(self)

    def predict(self) -> None:
        """Set `preds` from the batch's inputs."""
        self._ask("predict")

    def get_loss(self) -> None:
        """Set `loss` from `preds` and the batch's targets."""
        self._ask("get_loss")

    def backward(self) -> None:
        """Compute the gradients."""
        self._ask("backward")

    def step(self) -> None:
        """Let the optimizer change the weights."""
        self._ask("step")

    def zero_grad(self) -> None:
        """Make the gradients ready for the next batch."""
        self._ask("zero_grad")


class TrainLearner(Learner):
    """A Learner that does the five steps itself, for batches of one input and one target."""

    def predict(self) -> None:
        """The model's output for the input."""
        self.preds = self.model(self.batch[0])

    def get_loss(self) -> None:
        """The loss of the output against the target."""
        self.loss = self.loss_func(self.preds, self.batch[1])

    def backward(self) -> None:
        """Gradients by torch."""
        self.loss.backward()

    def step(self) -> None:
        """One optimizer step."""
        self.opt.step()

    def zero_grad(self) -> None:
        """Forget the gradients."""
        self.opt.zero_grad()


class MomentumLearner(TrainLearner):
    """Momentum by keeping a share `mom` of the gradients for the next batch instead of zeroing them."""

    def __init__(
        self,
        model: nn.Module,
        dls: Any = (0,),
        loss_func: Callable[..., torch.Tensor] = F.mse_loss,
        lr: float = 0.1,
        cbs: Callback | Iterable[Callback] | None = None,
        opt_func: Callable[..., Any] | None = optim.SGD,
        mom: float = 0.85,
    ) -> None:
        super().__init__(model, dls, loss_func, lr, cbs, opt_func)
        self.mom = mom

    def zero_grad(self) -> None:
        """Keep the share `mom` of each gradient; backward adds the next batch's to it."""
        with torch.no_grad():
            for parameter in self.model.parameters():
                if parameter.grad is not None:
                    parameter.grad *= self.mom
