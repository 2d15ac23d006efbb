"""The Learner: the training loop that its callbacks fill and steer."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
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
    run_cbs,
)
from miniai.callbacks.device import DeviceCB
from miniai.callbacks.events import with_cbs
from miniai.callbacks.func import CompletionCB, FuncCB, SingleBatchCB
from miniai.callbacks.host import CallbackHost
from miniai.callbacks.lr_find import LRFinderCB
from miniai.callbacks.metrics import MetricsCB
from miniai.callbacks.progress import ProgressCB
from miniai.callbacks.train import TrainCB
from miniai.conv import to_cpu
from miniai.errors import LearnerError
from miniai.faults import explain, no_batches, no_pair, no_parameters
from miniai.learner_looks import Looks
from miniai.optimizers import at_rate
from miniai.position import Start, batches

__all__ = [
    "Callback", "CancelBatchException", "CancelEpochException", "CancelFitException", "CompletionCB", "DeviceCB",
    "FuncCB", "LRFinderCB", "Learner", "MetricsCB", "MomentumLearner", "ProgressCB", "SingleBatchCB", "TrainCB",
    "TrainLearner", "run_cbs", "to_cpu", "with_cbs",
]  # fmt: skip


class Learner(CallbackHost, Looks):
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
    replace `epochs` (any hook), `dl` (before_epoch) and `batch` (before_batch), and may raise CancelBatchException,
    CancelEpochException or CancelFitException: `with_cbs` tells what they skip.

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
        super().__init__(cbs)
        self.model, self.dls, self.loss_func, self.lr, self.opt_func = model, dls, loss_func, lr, opt_func
        self.opt: Any = None
        self.n_epochs = 0
        self.epochs: Iterable[int] = range(0)
        self.epoch = self.iter = 0
        self.steps = 0
        """Batches trained so far, over all fits."""
        self.n_inp = 1
        """How many of a batch's parts are inputs; the others are targets."""
        self.start: Start | None = None
        """Where in its epochs the fit begins; a resumed run sets it in `before_fit`. None: at the first batch."""
        self.dl: Any = None
        self.batch: Any = None
        self.preds: Any = None
        self.loss: Any = None
        self.leaving: BaseException | None = None
        """In `cleanup_*`: the exception that ends this fit, epoch or batch; None if it was done in full."""

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
        with self._also(cbs), at_rate(self, lr):
            self.n_epochs, self.epochs, self.start = n_epochs, range(n_epochs), None
            if self.opt_func is not None:
                self.opt = self._new_optimizer(self.lr if lr is None else lr, train)
            self._fit(train, valid)

    def _new_optimizer(self, lr: float, train: bool) -> Any:
        """One for the model as it is; None for a model without parameters that is only validated."""
        assert self.opt_func is not None
        if next(iter(self.model.parameters()), None) is not None:
            return self.opt_func(self.model.parameters(), lr)
        if train:
            raise no_parameters(self)
        return None

    def own_steps(self) -> list[str]:
        """Those of the five steps that this Learner's class does itself, where callbacks are not asked."""
        return [step for step in STEPS if getattr(type(self), step) is not getattr(Learner, step)]

    @with_cbs("fit")
    def _fit(self, train: bool, valid: bool) -> None:
        halves = [training for training, wanted in ((True, train), (False, valid)) if wanted]
        for training in halves:
            self._loader(training)  # a missing loader is an error now, not after the first training half
        for self.epoch in self._each_epoch():  # noqa: B020
            for training in halves:
                if self.start is not None and self.start.passed(self.epoch, training):
                    continue
                with torch.set_grad_enabled(training and torch.is_grad_enabled()):
                    self.one_epoch(training)

    def _each_epoch(self) -> Iterator[int]:
        """The numbers in `epochs`; where a hook replaces it, go on in the new one behind as many as are done."""
        epochs, left = self.epochs, iter(self.epochs)
        for done in itertools.count():
            if self.epochs is not epochs:
                epochs, left = self.epochs, itertools.islice(self.epochs, done, None)
            for epoch in left:
                yield epoch
                break
            else:
                return

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
        came = self.start is not None and self.start.within(self.epoch, self.training)  # before, if none is left
        for self.iter, self.batch in batches(self):  # noqa: B020
            came = True
            self._one_batch()
        if not came:
            raise no_batches(self)

    @with_cbs("batch")
    def _one_batch(self) -> None:
        self._do("predict", self.predict)
        self.callback("after_predict")
        self._do("get_loss", self.get_loss)
        self.callback("after_loss")
        if self.training:
            try:
                self._update()
            except BaseException:
                self._drop_gradients()
                raise

    def _do(self, name: str, step: Callable[[], None]) -> None:
        """One of the steps whose failures have common causes."""
        try:
            step()
        except Exception as error:
            explain(error, name, self)
            raise

    def _update(self) -> None:
        self._do("backward", self.backward)
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
        if not isinstance(self.batch, (tuple, list)):
            raise no_pair(self.batch)
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

    def _new_optimizer(self, lr: float, train: bool) -> Any:
        """As for every fit, and no momentum from the fit before."""
        self._drop_gradients()
        return super()._new_optimizer(lr, train)

    def zero_grad(self) -> None:
        """Keep the share `mom` of each gradient; backward adds the next batch's to it."""
        with torch.no_grad():
            for parameter in self.model.parameters():
                if parameter.grad is not None:
                    parameter.grad *= self.mom
