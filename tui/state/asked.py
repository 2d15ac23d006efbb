"""Requests that were sent and not answered yet. Only a fact of the trainer clears one."""

from __future__ import annotations

from miniai.run.requests import (
    AnyRequest,
    Continue,
    Kill,
    Pause,
    Save,
    SetEpochs,
    SetLearningRate,
    SetValidation,
    SkipBatch,
    SkipEpoch,
    Step,
    Stop,
)

__all__ = ["Asked"]

LIMIT = 100


class Asked:
    """The open requests, oldest first; bounded, so that a held key on a silent trainer costs nothing."""

    def __init__(self) -> None:
        self._open: dict[str, AnyRequest] = {}

    def add(self, request: AnyRequest) -> None:
        """A request was sent."""
        self._open[request.id] = request
        while len(self._open) > LIMIT:
            del self._open[next(iter(self._open))]

    def answered(self, request: str) -> AnyRequest | None:
        """The trainer answered `request`; returns it if it was ours."""
        return self._open.pop(request, None)

    def clear(self) -> None:
        """The run is over: nothing will be answered any more."""
        self._open.clear()

    def __len__(self) -> int:
        return len(self._open)

    @property
    def stopping(self) -> bool:
        """Whether an end of the run was asked for."""
        return any(isinstance(r, (Stop, Kill)) for r in self._open.values())

    @property
    def text(self) -> str:
        """What the newest open request waits for; empty if nothing is open."""
        return _words(next(reversed(self._open.values()))) if self._open else ""


def _words(request: AnyRequest) -> str:
    match request:
        case Pause():
            return "pausing …"
        case Continue():
            return "going on …"
        case Step():
            return "one batch, then pause …"
        case SkipBatch():
            return "skip batch: at the next batch …"
        case SkipEpoch():
            return "skip epoch: at the next batch …"
        case Stop(when="epoch"):
            return "stopping after this epoch …"
        case Stop():
            return "stopping after this batch …"
        case SetLearningRate(lr=lr, factor=factor):
            return f"learning rate {f'{lr:.4g}' if lr else f'x{factor:.3g}'}: at the next batch …"
        case SetEpochs(epochs=epochs):
            return f"{epochs} epochs: at the next batch …"
        case SetValidation(on=on):
            return f"validation {'on' if on else 'off'}: from the next epoch …"
        case Save():
            return "saving: after this batch …"
        case Kill():
            return "killing …"
