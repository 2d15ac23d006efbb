"""What a Learner offers beside training: looking for a rate, and looking at its model, its data and predictions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from miniai.callbacks.base import Callback

if TYPE_CHECKING:
    from miniai.callbacks.lr_find import LRFinderCB
    from miniai.learner import Learner
    from miniai.summary import Summary

__all__ = ["Looks"]


class Looks:
    """The part of a Learner that trains nothing; each method loads what it needs."""

    def lr_find(
        self,
        gamma: float = 1.3,
        max_mult: float = 3,
        start_lr: float = 1e-5,
        max_epochs: int = 10,
        cbs: Callback | Iterable[Callback] | None = None,
    ) -> LRFinderCB:
        """The losses over growing learning rates, and a good one to begin with; see `miniai.looking.lr_find`.

        The Learner, its model, optimizer, callbacks and the random state are afterwards as they were.
        """
        from miniai.looking import lr_find

        return lr_find(cast("Learner", self), gamma, max_mult, start_lr, max_epochs, cbs)

    def summary(self) -> Summary:
        """A table of the layers (shapes, parameters, work), by one forward pass; see `miniai.summary`."""
        from miniai.augment import summary

        return summary(cast("Learner", self))

    def show_image_batch(self, max_n: int = 9, cbs: Any = None, **kw: Any) -> Any:
        """Draw the images of the first batch as the model would get them; see `miniai.looking`."""
        from miniai.augment import show_image_batch

        return show_image_batch(cast("Learner", self), max_n, cbs, **kw)

    def capture_preds(self, cbs: Any = None, inps: bool = False) -> Any:
        """The predictions and targets of the validation set, before them the inputs if asked; see `miniai.looking`."""
        from miniai.augment import capture_preds

        return capture_preds(cast("Learner", self), cbs, inps)
