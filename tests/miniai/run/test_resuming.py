"""Where the time of a resumed run goes on, and from which checkpoint."""

from __future__ import annotations

import errno
import fcntl
from pathlib import Path

import pytest

from miniai.errors import RunError
from miniai.run import checkpoint
from miniai.run import events as ev
from miniai.run.checkpoint import CheckpointState, NewerFormatError
from miniai.run.directory import RunDir
from miniai.run.resuming import alone, last_at, resumption


@pytest.mark.parametrize(
    ("tail", "at"),
    [
        (b"", 65.5),
        (b'{"is":"Continued","paused":1,"at":70.2', 65.5),
        (b"noise\n", 65.5),
        (b'{"is":"New","at":66}\n', 66),
        (b'{"is":"New","at":-3}\n', 0),
    ],
)
def test_time_goes_on_from_the_last_whole_fact(tmp_path: Path, tail: bytes, at: float) -> None:
    journal = tmp_path / "events.jsonl"
    journal.write_bytes(b"".join(ev.encode(ev.Continued(at=t, paused=0.0)) + b"\n" for t in (1.0, 65.5)) + tail)
    assert last_at(journal) == at


def test_without_a_journal_it_begins_anew(tmp_path: Path) -> None:
    assert last_at(tmp_path / "events.jsonl") == 0.0


def save(run: RunDir, *names: str, schema: int = 1) -> None:
    for name in names:
        step = int(name.split("-")[1])
        state = CheckpointState(
            schema=schema, step=step, epoch=0, phase="train", batch=step, n_epochs=1, wall=0.0, sizes={}
        )
        checkpoint.write(run.checkpoints, name, {}, {}, state)


pytestmark = pytest.mark.usefixtures("torch_is_there")


@pytest.fixture
def torch_is_there() -> None:
    """Who writes tensors, be it none, has loaded it."""
    import torch  # noqa: F401


def test_the_newest_whole_one_is_taken(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    assert resumption(run) is None
    save(run, "step-4", "best-4", "step-9", "step-10", "best-9")
    found = resumption(run)
    assert found is not None
    assert (found.path.name, found.state.step, found.broken) == ("step-10", 10, {})
    for name in ("step-10", "step-9"):
        (run.checkpoints / name / checkpoint.MODEL).write_bytes(b"")
    found = resumption(run)
    assert found is not None
    assert (found.path.name, list(found.broken)) == ("best-9", ["step-10", "step-9"])
    (run.checkpoints / "best-9" / checkpoint.STATE).unlink()
    found = resumption(run)
    assert found is not None
    assert (found.path.name, list(found.broken)) == ("step-4", ["step-10", "step-9", "best-9"])


def test_one_of_a_newer_version_is_not_passed_over(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    save(run, "step-1")
    save(run, "step-2", schema=checkpoint.SCHEMA + 1)
    with pytest.raises(NewerFormatError, match="update"):
        resumption(run)


def test_a_run_that_began_and_has_none_cannot_go_on(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    run.journal.write_bytes(b"{}\n")
    with pytest.raises(RunError, match="no checkpoint"):
        resumption(run)


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "trainer.lock").symlink_to(tmp_path / "elsewhere")
    with alone(RunDir(tmp_path / "run")):
        assert not (tmp_path / "elsewhere").exists()


def test_without_locks_the_run_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(fd: int, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "lockf", refused)
    trained = False
    with alone(RunDir(tmp_path)):
        trained = True
    assert trained
