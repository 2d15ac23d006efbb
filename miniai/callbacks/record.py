"""RecorderCB: values noted at each training batch, and their curves."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from torch import Tensor

from miniai.callbacks.fetch import fetch
from miniai.callbacks.schedule import HasLearnCB
from miniai.errors import LearnerError
from miniai.optional import need

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["RecorderCB"]


class RecorderCB(HasLearnCB):
    """Note `f(cb)` at each training batch, for each `name=f`: `RecorderCB(lr=lambda cb: cb.pg["lr"])`.

    `f` is called with this callback: `pg` is the optimizer's first parameter group, `learn` the Learner. `recs` has
    the lists by name; they begin anew with each fit. A tensor is kept detached: in the fit on its device, so that no
    batch waits for it, afterwards on the CPU. `pg` then has the last rates, but no more the parameters.
    """

    def __init__(self, **d: Callable[[RecorderCB], Any]) -> None:
        for name, f in d.items():
            if not callable(f):
                raise LearnerError(f"RecorderCB({name}={f!r}): this cannot be called; give a function of the callback")
        self.d = d
        self.recs: dict[str, list[Any]] = {name: [] for name in d}
        self.pg: dict[str, Any] = {}

    def before_fit(self, learn: Learner, /) -> None:
        """Begin anew."""
        super().before_fit(learn)
        self.recs = {name: [] for name in self.d}
        groups = getattr(learn.opt, "param_groups", None)
        self.pg = groups[0] if groups else {}

    def after_batch(self, learn: Learner, /) -> None:
        """Note the values."""
        if learn.training:
            for name, f in self.d.items():
                value = f(self)
                # a copy: what is a view of a weight or of a rate changes with the next step
                self.recs[name].append(value.detach().clone() if isinstance(value, Tensor) else value)

    def state_dict(self) -> dict[str, Any]:
        """The lists so far."""
        return {"recs": self.recs}

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        """Go on with those lists."""
        self.recs = {name: list(state["recs"].get(name, [])) for name in self.d}

    def cleanup_fit(self, learn: Learner, /) -> None:
        """Let the parameters go and fetch the values, however the fit ended."""
        super().cleanup_fit(learn)
        self.pg = {name: value for name, value in self.pg.items() if name != "params"}
        fetch(self.recs.values())

    def plot(self, axes: Any = None) -> Any:
        """Draw each list over the batches, one below the other; returns the axes, one for each name."""
        if not self.recs:
            raise LearnerError("RecorderCB records nothing: RecorderCB(lr=lambda cb: cb.pg['lr'])")
        if axes is None:
            pyplot = need("matplotlib.pyplot", "notebook")
            axes = pyplot.subplots(len(self.recs), squeeze=False, sharex=True)[1][:, 0]
        for ax, (name, values) in zip(axes, self.recs.items(), strict=True):
            ax.plot([float(value) for value in values])
            ax.set(ylabel=name)
        axes[-1].set(xlabel="batch")
        return axes
