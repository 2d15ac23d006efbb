"""Requests: what a user asks of the trainer, imperatives; one JSON object a line on the control socket.

Each carries an id and the epoch and phase that the user saw when the key was pressed, so that the trainer can
refuse what has become stale: key repeat, two viewers or a press on the last batch never skip more than was meant.
What counts from where the run stands says that too: a step the pause, a factor the rate that the user saw.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from miniai.run.events import Phase

__all__ = [
    "AnyRequest", "Continue", "Kill", "Pause", "Request", "Save", "SetEpochs", "SetLearningRate", "SetValidation",
    "SkipBatch", "SkipEpoch", "Step", "Stop", "decode", "encode",
]  # fmt: skip


class Request(msgspec.Struct, frozen=True, tag_field="do", kw_only=True, omit_defaults=True):
    """Base of all requests."""

    id: str
    """Unique per request; the fact that answers it repeats it."""
    epoch: int = -1
    """The epoch that the user saw; -1 where it does not matter or is not known."""
    phase: Phase | None = None


class Pause(Request, frozen=True, tag=True):
    """Stand still after the running batch."""


class Continue(Request, frozen=True, tag=True):
    """Go on after a pause."""


class Step(Request, frozen=True, tag=True):
    """Do one batch, then pause."""

    stood: float | None = None
    """`at` of the pause that the user saw, 0 if the run was going on; None: it does not matter."""


class SkipBatch(Request, frozen=True, tag=True):
    """Do not train on the next batch."""

    stood: float | None = None
    """`at` of the pause that the user saw, 0 if the run was going on; None: it does not matter."""


class SkipEpoch(Request, frozen=True, tag=True):
    """Skip the rest of this half epoch: in training go on to validation, in validation skip it."""


class Stop(Request, frozen=True, tag=True):
    """End the run in order, after the running batch or after the whole epoch, its validation included."""

    when: Literal["batch", "epoch"] = "batch"


class SetLearningRate(Request, frozen=True, tag=True):
    """Multiply the learning rate, and all that its schedule will give, from the next batch on."""

    factor: float = 0.0
    """What it is multiplied by; 0: by what leads to `lr`."""
    lr: float = 0.0
    """The rate that the next batch shall have; 0: as `factor` says."""
    seen: str | None = None
    """Id of the request that changed the rate last, as far as the user saw; "" if none; None: it does not matter."""


class SetEpochs(Request, frozen=True, tag=True):
    """Let the fit have so many epochs in all."""

    epochs: int


class SetValidation(Request, frozen=True, tag=True):
    """Do the validation halves, or leave them out, from the next epoch on."""

    on: bool


class Save(Request, frozen=True, tag=True):
    """Write a checkpoint after the running batch."""


class Kill(Request, frozen=True, tag=True):
    """End the trainer's whole process group at once."""


AnyRequest: TypeAlias = (
    Pause | Continue | Step | SkipBatch | SkipEpoch | Stop | SetLearningRate | SetEpochs | SetValidation | Save | Kill
)

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyRequest] = msgspec.json.Decoder(AnyRequest)


def encode(request: Request) -> bytes:
    """One JSON line without its newline."""
    return _encoder.encode(request)


def decode(line: bytes) -> AnyRequest:
    """Read one line; raises `msgspec.DecodeError` for what is not a request."""
    try:
        return _decoder.decode(line)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from error
