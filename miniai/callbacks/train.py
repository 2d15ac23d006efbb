"""TrainCB: the five steps of ordinary training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from miniai.callbacks.base import Callback
from miniai.errors import LearnerError
from miniai.faults import no_pair

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["TrainCB"]


class TrainCB(Callback):
    """Do the loop's five steps; the first `n_inp` parts of a batch are inputs, the others targets."""

    def __init__(self, n_inp: int = 1) -> None:
        self.n_inp = n_inp
        self._before: int | None = None

    def before_fit(self, learn: Learner, /) -> None:
        """Tell the other callbacks where the targets begin."""
        others = [type(cb).__name__ for cb in learn.cbs if isinstance(cb, TrainCB) and cb is not self]
        if others:
            raise LearnerError(f"{type(self).__name__} and {others[0]} would both do the five steps: give only one")
        if type(self) is not TrainCB and (own := learn.own_steps()):
            raise LearnerError(
                f"{type(learn).__name__} does {', '.join(own)} itself, so {type(self).__name__} would have no effect: "
                "give it to a plain Learner"
            )
        self._before, learn.n_inp = learn.n_inp, self.n_inp

    def cleanup_fit(self, learn: Learner, /) -> None:
        """Leave `n_inp` as it was."""
        if self._before is not None:
            learn.n_inp, self._before = self._before, None

    def predict(self, learn: Learner) -> None:
        """The model's output for the inputs."""
        if not isinstance(learn.batch, (tuple, list)):
            raise no_pair(learn.batch)
        learn.preds = learn.model(*learn.batch[: self.n_inp])

    def get_loss(self, learn: Learner) -> None:
        """The loss of the output against the targets."""
        learn.loss = learn.loss_func(learn.preds, *learn.batch[self.n_inp :])

    def backward(self, learn: Learner) -> None:
        """Gradients by torch."""
        learn.loss.backward()

    def step(self, learn: Learner) -> None:
        """One optimizer step."""
        learn.opt.step()

    def zero_grad(self, learn: Learner) -> None:
        """Forget the gradients."""
        learn.opt.zero_grad()
