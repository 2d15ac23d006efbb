"""Which checkpoints stay: the best one also where the disk refuses for a while, and those of a newer version."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from miniai import trainer
from miniai.callbacks.base import Callback
from miniai.config import RunConfig
from miniai.learner import Learner, MetricsCB
from miniai.run import checkpoint
from miniai.run import events as ev
from miniai.run.checkpoint import MODEL, OPTIMIZER, NewerFormatError
from miniai.run.control import RunControl
from miniai.run.directory import RunDir, create_run
from miniai.run.requests import Stop
from miniai.run.resuming import resumption
from miniai.version import own_version
from tests.miniai.resumed import TRAIN, Place, Run, told


class Script(Callback):
    """Validations come out as they are written here, by epoch."""

    order = -3000
    values = (0.9, 0.5, 0.7)

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.epoch = 0
        monkeypatch.setattr(MetricsCB, "values", lambda _: {"loss": self.values[self.epoch]})

    def before_epoch(self, learn: Learner) -> None:
        self.epoch = learn.epoch


HOW: dict[str, Any] = {"sched": False, "every": 1, "best": "loss", "keep": 1}
FULL = OSError(errno.ENOSPC, "No space left on device")


def refused(monkeypatch: pytest.MonkeyPatch, script: Script, name: str, *epochs: int) -> None:
    """Have the disk refuse in these epochs what a function of the checkpoints does."""
    really = getattr(checkpoint, name)

    def refuse(*args: Any, **more: Any) -> Any:
        if script.epoch in epochs:
            raise FULL
        return really(*args, **more)

    monkeypatch.setattr(checkpoint, name, refuse)


def bests(*runs: Run) -> list[int]:
    return [fact.step for run in runs for fact in run.of(ev.Saved) if fact.why == "best"]


def alerts(run: Run) -> list[str]:
    return [fact.text for fact in run.of(ev.Alerted) if fact.topic == "checkpoint"]


def test_a_best_that_could_not_be_written_is_no_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(monkeypatch)
    refused(monkeypatch, script, "write", 1)
    run = Run(tmp_path / "c", more=[script], **HOW).fit()
    assert bests(run) == [TRAIN, 3 * TRAIN]
    assert checkpoint.names(tmp_path / "c") == [f"best-{3 * TRAIN}", f"step-{3 * TRAIN}"]
    assert len(alerts(run)) == 1


def test_a_best_that_lacks_only_its_name_stays_until_it_has_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script(monkeypatch)
    refused(monkeypatch, script, "alike", 1)
    run = Run(tmp_path / "c", more=[script], **HOW).fit()
    assert bests(run) == [TRAIN, 2 * TRAIN]
    assert checkpoint.names(tmp_path / "c") == [f"best-{2 * TRAIN}", f"step-{3 * TRAIN}"]
    assert checkpoint.read_state(tmp_path / "c" / f"best-{2 * TRAIN}").step == 2 * TRAIN
    assert alerts(run) == [
        f"the best checkpoint has no name of its own (No space left on device): step-{2 * TRAIN} stays until it can "
        "have one"
    ]


def test_a_resumed_run_knows_that_the_best_lacks_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script, folder = Script(monkeypatch), tmp_path / "c"
    stop = Place(2, "train", 1)
    with monkeypatch.context() as patch:
        refused(patch, script, "alike", 1, 2)
        first = Run(folder, {stop: Stop(id="s")}, more=[script], **HOW).fit()
    assert checkpoint.names(folder) == [f"best-{TRAIN}", f"step-{2 * TRAIN}", f"step-{2 * TRAIN + 2}"]
    second = Run(folder, more=[script], **HOW).fit()
    assert bests(first, second) == [TRAIN, 2 * TRAIN]
    assert checkpoint.names(folder) == [f"best-{2 * TRAIN}", f"step-{3 * TRAIN}"]


# -- of a newer version ------------------------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    run = create_run(tmp_path, RunConfig())
    Run(run.checkpoints, every=1, keep=2).fit()
    return run


def make_newer(path: Path, whole: bool) -> bytes:
    """Have a checkpoint be of the next format, under our check sum or under none that we can know."""
    file = path / "state.json"
    state = re.sub(rb'"schema":\d+', b'"schema":%d' % (checkpoint.SCHEMA + 1), file.read_bytes())
    state = re.sub(rb'"version":"[^"]*"', lambda _: b'"version":"7.5\\u001b[2J"', state)
    if whole:
        state = checkpoint._sealed(state.rpartition(b',"crc32":')[0] + b"}")
    file.write_bytes(state)
    return state


def test_a_checkpoint_names_the_version_that_wrote_it(run: RunDir) -> None:
    path = run.checkpoints / checkpoint.names(run.checkpoints)[-1]
    assert checkpoint.read_state(path).version == own_version() != ""


def test_the_newest_of_a_newer_version_is_refused_in_one_line_that_names_it(run: RunDir) -> None:
    name = checkpoint.names(run.checkpoints)[-1]
    state = make_newer(run.checkpoints / name, whole=True)
    with pytest.raises(NewerFormatError) as refused:
        resumption(run)
    text = str(refused.value)
    assert "was written by version '7.5\\x1b[2J' of miniai-tui (format 2; this one reads up to 1): update" in text
    assert text.isprintable()
    assert (run.checkpoints / name / "state.json").read_bytes() == state


def test_one_that_may_be_newer_or_broken_is_left_and_the_one_before_is_taken(
    tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    config = RunConfig(data_dir=str(data_dir), epochs=6, bs=256, device="cpu", stats=False, keep=2, save_best="none")
    run, control = create_run(tmp_path, config), RunControl()

    def stop(fact: ev.Fact) -> None:
        if isinstance(fact, ev.EpochStarted) and fact.epoch == 3:
            control.submit(Stop(id="s"))

    trainer.host(run, control, [stop])
    names = checkpoint.names(run.checkpoints)
    state = make_newer(run.checkpoints / names[-1], whole=False)
    assert trainer.host(run, RunControl()).reason == "done"
    (mark,) = [fact for fact in told(run) if isinstance(fact, ev.RunResumed)]
    assert f"step-{mark.step}" == names[-2]
    said = [fact.text for fact in told(run) if isinstance(fact, ev.Alerted) and fact.topic == "checkpoint"]
    assert len(said) == 1
    assert "it was left as it is; the run goes on from" in said[0]
    assert (run.checkpoints / names[-1] / "state.json").read_bytes() == state
    assert len(checkpoint.names(run.checkpoints)) == 3  # the last two, and that one
    assert list(run.checkpoints.glob("broken-*")) == []


# -- folders that cannot be brought to the disk by themselves ----------------------------------------------------------


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
def test_a_file_system_without_folders_on_order_takes_checkpoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    sync, refused = os.fsync, list[int]()

    def files_only(fd: int) -> None:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            refused.append(fd)
            raise OSError(number, os.strerror(number))
        sync(fd)

    monkeypatch.setattr(os, "fsync", files_only)
    run = Run(tmp_path / "c", every=1).fit()
    assert alerts(run) == []
    assert refused
    for name in checkpoint.names(tmp_path / "c"):
        assert checkpoint.read_state(tmp_path / "c" / name).sizes.keys() == {MODEL, OPTIMIZER}


def test_a_folder_on_a_full_disk_is_still_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int) -> None:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise FULL

    monkeypatch.setattr(os, "fsync", full)
    run = Run(tmp_path / "c", every=1).fit()
    assert alerts(run) == ["no checkpoint could be written (No space left on device): training goes on without"]
    assert checkpoint.names(tmp_path / "c") == []


def test_a_folder_whose_name_is_no_text_is_read(tmp_path: Path) -> None:
    import torch

    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    Run(folder, every=1).fit()
    name = checkpoint.names(folder)[-1]
    shutil.copytree(folder / name, tmp_path / "plain")
    odd, plain = (checkpoint.read_tensors(path / MODEL) for path in (folder / name, tmp_path / "plain"))
    assert odd.keys() == plain.keys() != set()
    assert all(torch.equal(odd[key], plain[key]) for key in plain)
