"""Facts: what the trainer has done, one JSON object a line of the journal.

Every fact is a frozen `msgspec.Struct` tagged by its class name under `"is"`; `encode` and `Decoder` go both
ways. Times (`at`) are seconds since the trainer started, on a monotonic clock. Epochs and batches count from 0,
`step` counts trained batches since the run began. `phase` is "train" or "valid".

The classes lie by their subject in `facts_run`, `facts_progress`, `facts_measured` and `facts_control`; this is where
they are imported from, and where lines become facts.
"""

from __future__ import annotations

import json
from typing import TypeAlias

import msgspec

from miniai.run.fact import Fact, Number, Phase, number, numbers
from miniai.run.facts_control import (
    Alerted,
    BatchSkipped,
    Changed,
    Continued,
    EpochSkipped,
    Paused,
    Refused,
    StopPlanned,
)  # fmt: skip
from miniai.run.facts_measured import (
    ConfusionMeasured,
    HistogramsMeasured,
    LayersMeasured,
    PreviewSaved,
    SystemSampled,
)  # fmt: skip
from miniai.run.facts_progress import (
    EpochEnded,
    EpochStarted,
    Progressed,
    Scalars,
)  # fmt: skip
from miniai.run.facts_run import (
    DataLoaded,
    DatasetDescribed,
    EnvironmentNoted,
    FitEnded,
    FitStarted,
    Layer,
    RatesTried,
    RateSuggested,
    RunResumed,
    RunStarted,
    Saved,
    StageReached,
)  # fmt: skip

__all__ = [
    "SCHEMA",
    "Alerted",
    "BatchSkipped",
    "Changed",
    "ConfusionMeasured",
    "Continued",
    "DataLoaded",
    "DatasetDescribed",
    "EnvironmentNoted",
    "EpochEnded",
    "EpochSkipped",
    "EpochStarted",
    "Fact",
    "FitEnded",
    "FitStarted",
    "HistogramsMeasured",
    "Layer",
    "LayersMeasured",
    "Number",
    "Paused",
    "Phase",
    "PreviewSaved",
    "Progressed",
    "RateSuggested",
    "RatesTried",
    "Refused",
    "RunResumed",
    "RunStarted",
    "Saved",
    "Scalars",
    "StageReached",
    "StopPlanned",
    "SystemSampled",
    "decode",
    "decode_lines",
    "encode",
    "number",
    "numbers",
]  # fmt: skip

SCHEMA = 1
"""Version of the journal's format; the first line of a journal carries it."""

AnyFact: TypeAlias = (
    RunStarted | StageReached | DataLoaded | FitStarted | EpochStarted | Progressed | Scalars | LayersMeasured
    | HistogramsMeasured
    | PreviewSaved | Paused | Continued | RunResumed | BatchSkipped | EpochSkipped | EpochEnded | StopPlanned | Refused
    | Alerted | Changed | Saved | FitEnded | EnvironmentNoted
    | RatesTried | RateSuggested | DatasetDescribed
    | ConfusionMeasured | SystemSampled
)  # fmt: skip
"""Union of all facts: what a journal line decodes to."""

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyFact] = msgspec.json.Decoder(AnyFact)


def encode(fact: Fact) -> bytes:
    """One JSON line without its newline; of a file's name that is no UTF-8, "?" for what cannot be written."""
    try:
        return _encoder.encode(fact)
    except UnicodeEncodeError:
        text = json.dumps(msgspec.to_builtins(fact), ensure_ascii=False, separators=(",", ":"))
        return text.encode(errors="replace")


def decode(line: bytes) -> AnyFact:
    """Read one line; raises `msgspec.DecodeError` for what is not a fact of this schema."""
    try:
        return _decoder.decode(line)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from error


def decode_lines(lines: bytes) -> list[AnyFact]:
    """Read many lines at once, which is quicker; raises `msgspec.DecodeError` if one of them is not such a fact."""
    try:
        return _decoder.decode_lines(lines)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from error
