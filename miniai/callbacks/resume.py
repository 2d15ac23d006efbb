"""ResumeCB: puts a Learner where a checkpoint was taken, so that the fit goes on as if it had not been interrupted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from miniai.callbacks.base import Callback
from miniai.callbacks.changes import past_the_end
from miniai.callbacks.clock import since_now
from miniai.errors import RunError
from miniai.learner_state import load_callbacks, load_model, load_optimizer
from miniai.plain import from_plain
from miniai.position import Position, Start, lengths
from miniai.random_state import RandomState
from miniai.run.checkpoint import MODEL, OPTIMIZER, CheckpointState, read_tensors
from miniai.run.events import Changed, Fact

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["ResumeCB"]


class ResumeCB(Callback):
    """Begin the next fit at the checkpoint in the folder `path`, whose `state.json` is `state`.

    The Learner is made as for the first fit; its weights, optimizer, callbacks, random state and number of epochs
    become those of the checkpoint. `until` is how many epochs there shall be instead. Once only: a fit after that
    begins at its beginning. RunError, and in one line why, if the checkpoint does not fit.
    """

    order = 1999  # before CheckpointCB, after all others
    hook_orders: ClassVar[dict[str, int]] = {"before_fit": 2001}

    def __init__(
        self,
        path: Path,
        state: CheckpointState,
        emit: Callable[[Fact], object] = bool,
        now: Callable[[], float] | None = None,
        *,
        until: int | None = None,
    ) -> None:
        self.path, self.state, self.emit, self.now, self.until = path, state, emit, now or since_now(), until
        self._callbacks: dict[str, Any] = {}
        self._here: RandomState | None = None
        self._start: RandomState | None = None
        self._used = False

    def before_fit(self, learn: Learner, /) -> None:
        """Put everything in its place; all other callbacks have begun."""
        if self._used:
            return
        self._used = True
        state = self.state
        self._check_data(learn)
        load_model(learn.model, read_tensors(self.path / MODEL), from_plain(state.model))
        load_optimizer(learn.opt, from_plain(state.optimizer, read_tensors(self.path / OPTIMIZER)))
        random = from_plain(state.random)
        self._here = RandomState.of(random.get("here", {}), learn.dls)
        self._start = RandomState.of(random["start"], learn.dls) if "start" in random else None
        learn.steps = state.step
        learn.n_epochs, learn.epochs = state.n_epochs, range(state.n_epochs)
        at = Position(state.epoch, state.phase == "train", state.batch, state.over, state.fetched)
        learn.start = Start(at, self._here.restore)
        self._callbacks = from_plain(state.callbacks)
        load_callbacks(learn.cbs, self._callbacks)
        if self.until is not None and self.until != state.n_epochs:
            self._go_on_to(self.until, learn)
        self._here.restore()

    def before_epoch(self, learn: Learner, /) -> None:
        """Within the half epoch of the checkpoint: its start is where the loader begins anew."""
        if learn.start is None or not learn.start.within(learn.epoch, learn.training) or self._here is None:
            return
        load_callbacks(learn.cbs, self._callbacks)
        (self._start or self._here).restore()

    def cleanup_fit(self, _learn: Learner, /) -> None:
        """Hold nothing."""
        self._callbacks, self._here, self._start = {}, None, None

    def _check_data(self, learn: Learner) -> None:
        """A place within other data would mean nothing, and a schedule would not end where it should."""
        for half, there, here in zip(("training", "validation"), self.state.batches, lengths(learn.dls), strict=True):
            if there and here and there != here:
                raise RunError(
                    f"the checkpoint is of other data: an epoch had {there:,} {half} batches there, and has {here:,} "
                    "here; a run can go on only with the data that it began with"
                )

    def _go_on_to(self, epochs: int, learn: Learner) -> None:
        """Another number of epochs, as `E` would set it."""
        old, learn.n_epochs, learn.epochs = learn.n_epochs, epochs, range(epochs)
        self.emit(
            Changed(
                at=self.now(), what="epochs", old=old, new=epochs, step=learn.steps, epoch=self.state.epoch,
                note=past_the_end(learn),
            )
        )  # fmt: skip
