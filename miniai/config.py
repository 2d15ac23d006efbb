"""The configuration of one run: a frozen, typed tree that goes to JSON and back.

No torch in here: the screen's process reads and writes configurations too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from miniai.errors import UsageError
from miniai.run.replacing import replace_file

__all__ = ["MOST_EPOCHS", "RunConfig", "check", "read_config", "write_config"]

MOST_EPOCHS = 1_000_000
"""More than anybody trains; a number beyond it is a slip."""


class RunConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that decides what a run computes. None means: the model's own default."""

    dataset: str = "fashion"
    """Name of a module in `miniai.catalog`."""
    data_dir: str | None = None
    """Folder to look for the data first."""
    model: str = "mlp"
    """Name of a module in `miniai.models`."""
    epochs: int = 5
    lr: float | None = None
    """Learning rate."""
    bs: int | None = None
    """Batch size of the training half; validation takes twice as much."""
    opt: str | None = None
    """Name of an optimizer in `miniai.optimizers`."""
    sched: str | None = None
    """Name of a schedule in `miniai.schedules`."""
    amp: bool = False
    """Mixed precision: float16 on CUDA, bfloat16 elsewhere."""
    augment: bool = False
    """Change the training images at random: shifted, mirrored, parts of them erased (`miniai.augment.standard`)."""
    from_scratch: bool = False
    """Train on the parts of `miniai.scratch`, which has the model mlp and the optimizer sgd."""
    seed: int = 42
    device: str = "auto"
    """"auto" takes a GPU if torch can use one; else a torch device, "cpu", "cuda", "cuda:1", "mps"."""
    threads: int | None = None
    """torch's threads on the CPU; None leaves torch's choice."""
    stats: bool = True
    """Measure the layers."""
    stats_every: int | None = None
    """Measure the layers every so many batches; None: as often as 3 % of the time allows."""
    job: Literal["fit", "lr-find", "data"] = "fit"
    """"lr-find" looks for a learning rate and trains nothing, "data" only loads the data and describes them."""
    lr_start: float = 1e-5
    """The first rate that "lr-find" tries."""
    lr_factor: float = 1.3
    """By how much "lr-find" multiplies the rate after each batch."""
    save_every: int = 1
    """Write a checkpoint after so many epochs, and after the last; 0: only when asked for, and at a stop."""
    save_minutes: float | None = None
    """Write one, too, so many minutes of training after the one before."""
    save_best: str = "accuracy"
    """The metric of the validation whose best checkpoint is kept besides: "accuracy", "loss", or "none"."""
    keep: int = 2
    """How many of the last checkpoints are kept."""
    until: int | None = None
    """Epochs in all that a resumed run was asked for; its schedule stays that of `epochs`."""
    given: tuple[str, ...] = ()
    """Names of the fields that the user set; the rest are defaults."""


def check(config: RunConfig) -> None:
    """UsageError if values do not go together, or cannot be kept."""
    try:
        (config.data_dir or "").encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"--data-dir {config.data_dir!r} is no UTF-8: a run cannot keep it; rename it") from error
    if config.from_scratch and (config.model != "mlp" or config.opt not in (None, "sgd")):
        asked = f"--model {config.model}" if config.model != "mlp" else f"--opt {config.opt}"
        raise UsageError(f"{asked} is not written from scratch: --from-scratch goes with --model mlp and --opt sgd")
    if config.from_scratch and (config.sched not in (None, "constant") or config.amp):
        asked = "--amp" if config.amp else f"--sched {config.sched}"
        raise UsageError(f"{asked} needs torch's own optimizers: leave it out, or --from-scratch")


def write_config(path: Path, config: RunConfig) -> None:
    """Write `config` as JSON, replacing `path` atomically."""
    replace_file(path, msgspec.json.format(msgspec.json.encode(config), indent=2) + b"\n")


def read_config(path: Path) -> RunConfig:
    """Read what `write_config` wrote; fields that this version does not know are passed over."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=RunConfig)
    except OSError as error:
        raise UsageError(f"cannot read the configuration {path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is not a run configuration: {error}") from error
