"""What a failed step of the loop most likely means: torch's errors about shapes, types and gradients in plain words."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from miniai.errors import LearnerError
from miniai.shapes import shapes_of

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["explain", "no_batches", "no_pair", "no_parameters", "not_one_number"]

_KINDS: dict[type[Exception], type[LearnerError]] = {
    kind: type(f"Learner{kind.__name__}", (LearnerError, kind), {"__doc__": f"A LearnerError and a {kind.__name__}."})
    for kind in (RuntimeError, ValueError, IndexError, TypeError)
}
"""Who catches torch's own type still does: the explanation is a LearnerError and of the type that was raised."""

_SHAPES = r"shape|size|channels|dimension|\bdims?\b|dtype|scalar type|same type|out of bounds|must match|broadcast"

_HINTS = (
    ("predict get_loss", r"same device|different devices|expected device|input type .* weight type",
     "model and batch are on different devices or of different types: give the Learner DeviceCB()"),
    ("predict", r"positional argument",
     "the model takes another number of inputs: TrainCB(n_inp=) says how many parts of a batch are inputs"),
    ("predict", _SHAPES,
     "the model does not take a batch like this: compare its first layers with what the loader yields"),
    ("get_loss", r"positional argument",
     "the loss takes another number of targets: TrainCB(n_inp=) says where the targets begin"),
    ("get_loss", _SHAPES,
     "the loss does not take outputs and targets like these: check the model's last layer, the loss, the classes"),
    ("backward", r"does not require grad",
     "the loss depends on no parameter that can be trained: is the whole model frozen, or the loss detached?"),
    ("backward", r"scalar outputs",
     "the loss must be one number a batch: let it take the mean or the sum"),
)  # fmt: skip


def explain(error: Exception, step: str, learn: Learner) -> None:
    """Raise LearnerError from `error` if `step` failed in a way that has a common cause; else return.

    Only plain RuntimeError, ValueError, IndexError and TypeError are explained: everything else is the user's own or
    torch's business (out of memory is a type of its own). What is raised is of the error's own type, too.
    """
    kind = _KINDS.get(type(error))
    text = str(error)
    if kind is None:
        return
    for steps, pattern, hint in _HINTS:
        if step in steps.split() and re.search(pattern, text, re.IGNORECASE):
            first_line = text.strip().splitlines()[0]
            raise kind(f"{step} failed: {hint}. {_seen(step, learn)}; the error was: {first_line}") from error


def _seen(step: str, learn: Learner) -> str:
    batch = f"The batch is {shapes_of(learn.batch)}"
    if step == "predict":
        return f"{batch}, of which {learn.n_inp} inputs; the model is {type(learn.model).__name__}"
    if step == "get_loss":
        return f"{batch}, the outputs are {shapes_of(learn.preds)}, the loss is {_name(learn.loss_func)}"
    return f"The loss is {shapes_of(learn.loss)}"


def _name(f: Callable[..., Any]) -> str:
    return str(getattr(f, "__name__", type(f).__name__))


def no_batches(learn: Learner) -> LearnerError:
    """The error for a half epoch whose loader had nothing to give."""
    name = "train" if learn.training else "valid"
    return LearnerError(
        f"the loader dls.{name} ({type(learn.dl).__name__}) yielded no batch in epoch {learn.epoch}: its data is "
        f"empty, drop_last leaves nothing, or it is an iterator that is used up; mend it, or call fit({name}=False)"
    )


def no_pair(batch: Any) -> LearnerError:
    """The error for a batch that is no tuple of inputs and targets."""
    return LearnerError(
        f"a batch must be a tuple (inputs..., targets...), not {shapes_of(batch)}: make the loader give tuples "
        "(DataLoaders.from_dd does, unless as_tuple=False), or write predict and get_loss yourself"
    )


def not_one_number(loss: Any) -> LearnerError:
    """The error for a loss that is no single number."""
    return LearnerError(f"the loss must be one number a batch, not {shapes_of(loss)}: let it take the mean or the sum")


def no_parameters(learn: Learner) -> LearnerError:
    """The error for a model that cannot be trained since it has no parameters."""
    return LearnerError(
        f"the model ({type(learn.model).__name__}) has no parameters, so there is nothing to train: is it empty? To "
        "run it as it is, call fit(train=False)"
    )
