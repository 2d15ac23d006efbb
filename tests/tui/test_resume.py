"""`fit --resume`: which options may change, and how many epochs there shall be."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import pytest

from miniai.config import MOST_EPOCHS, RunConfig, read_config
from miniai.errors import UsageError
from miniai.run import checkpoint
from miniai.run.checkpoint import CheckpointState
from miniai.run.directory import RunDir, create_run
from tui.resume import resumed_run

pytestmark = pytest.mark.usefixtures("torch_is_there")


@pytest.fixture
def torch_is_there() -> None:
    """Who writes tensors, be it none, has loaded it."""
    import torch  # noqa: F401


def stopped(root: Path, *, epoch: int = 1, n_epochs: int = 3, wall: float = 1.0) -> RunDir:
    """A run that was stopped, with one checkpoint."""
    run = create_run(root, RunConfig(epochs=3, device="cpu"))
    state = CheckpointState(
        step=20, epoch=epoch, phase="train", batch=4, n_epochs=n_epochs, wall=wall, sizes={}, over=False
    )
    checkpoint.write(run.checkpoints, "step-20", {}, {}, state)
    return run


def resume(run: RunDir, **typed: Any) -> RunConfig:
    """The configuration that a trainer would find, which then ends at once."""
    run.update_info(ended="stopped", pid=1)
    resumed_run(argparse.Namespace(resume=str(run.path), run_dir=str(run.path.parent), **typed))
    return read_config(run.config_file)


def test_where_it_runs_and_when_it_saves_may_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = stopped(tmp_path)
    monkeypatch.chdir("/")
    config = resume(run, data_dir="moved", device="cuda", threads=4, keep=7, lr=None)
    assert (config.data_dir, config.device, config.threads, config.keep) == ("/moved", "cuda", 4, 7)
    assert resume(run).data_dir == "/moved"


@pytest.mark.parametrize(("name", "value"), [("seed", 1), ("bs", 7), ("augment", True), ("stats_every", 3)])
def test_what_decides_the_numbers_may_not(tmp_path: Path, name: str, value: object) -> None:
    run = stopped(tmp_path)
    before = run.config_file.read_bytes()
    with pytest.raises(UsageError, match="it cannot become"):
        resume(run, **{name: value})
    assert run.config_file.read_bytes() == before


def test_epochs_asked_for_last_until_a_checkpoint_knows_them(tmp_path: Path) -> None:
    run = stopped(tmp_path)
    assert resume(run, epochs=6).until == 6
    assert resume(run).until == 6, "the trainer was killed before it had saved anything"
    (run.checkpoints / "step-20").rename(tmp_path / "old")
    later = run.config_file.stat().st_mtime + 10
    state = CheckpointState(step=30, epoch=2, phase="train", batch=4, n_epochs=5, wall=later, sizes={}, over=False)
    checkpoint.write(run.checkpoints, "step-30", {}, {}, state)
    assert resume(run).until is None, "E made it 5 meanwhile"


def test_nobody_means_so_many(tmp_path: Path) -> None:
    run = stopped(tmp_path)
    assert resume(run, epochs=MOST_EPOCHS).until == MOST_EPOCHS
    with pytest.raises(UsageError, match="1,000,001 epochs are more than 1,000,000"):
        resume(run, epochs=MOST_EPOCHS + 1)


def test_nothing_left_to_do_is_said(tmp_path: Path) -> None:
    run = stopped(tmp_path, epoch=3)
    os.utime(run.config_file, (0, 0))
    with pytest.raises(UsageError, match="is done with all its 3 epochs"):
        resume(run)
