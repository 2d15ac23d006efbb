"""When a run goes on: not before its new process trains; until then, and if it fails, it is what it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

from miniai import trainer
from miniai.config import RunConfig, read_config, write_config
from miniai.run import checkpoint
from miniai.run import events as ev
from miniai.run.control import RunControl
from miniai.run.directory import RunDir, create_run
from miniai.run.going_on import HeldJournal
from miniai.run.journal import Journal
from miniai.run.requests import Save, Stop
from miniai.run.status import status
from tests.miniai.resumed import told


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    torch.set_num_threads(1)


def new_run(root: Path, data_dir: Path, **options: Any) -> RunDir:
    settings: dict[str, Any] = {"data_dir": str(data_dir), "epochs": 2, "bs": 128, "device": "cpu", "stats": False}
    return create_run(root, RunConfig(**(settings | options)))


def changed(run: RunDir, **changes: Any) -> None:
    write_config(run.config_file, msgspec.structs.replace(read_config(run.config_file), **changes))


def resumptions(run: RunDir) -> list[ev.RunResumed]:
    return [fact for fact in told(run) if isinstance(fact, ev.RunResumed)]


def stopping(control: RunControl, epoch: int, phase: str) -> Any:
    def hear(fact: ev.Fact) -> None:
        if isinstance(fact, ev.EpochStarted) and (fact.epoch, fact.phase) == (epoch, phase):
            control.submit(Stop(id="s"))

    return hear


def test_a_run_that_was_done_is_done_after_a_failed_attempt(tmp_path: Path, data_dir: Path) -> None:
    run = new_run(tmp_path, data_dir)
    assert trainer.host(run, RunControl()).reason == "done"
    before = run.journal.read_bytes()
    changed(run, until=3, data_dir=str(tmp_path / "misspelt"))
    run.update_info(ended="", socket="", pid=0)  # as `fit --resume` leaves it
    failed = trainer.host(run, RunControl())
    assert failed.reason == "failed"
    assert "misspelt" in failed.error
    journal = run.journal.read_bytes()
    assert journal.startswith(before)
    (alert,) = [ev.decode(line) for line in journal[len(before) :].splitlines()]
    assert isinstance(alert, ev.Alerted)
    assert alert.topic == "resume"
    assert alert.text.startswith("it could not be resumed: ")
    assert "misspelt" in alert.text
    assert (status(run).state, run.read_info().ended) == ("done", "done")
    changed(run, data_dir=str(data_dir))
    assert trainer.host(run, RunControl()).reason == "done"
    assert len(resumptions(run)) == 1
    assert max(fact.epoch for fact in told(run) if isinstance(fact, ev.EpochEnded)) == 2


def test_data_of_another_size_leave_a_stopped_run_as_it_was(tmp_path: Path, data_dir: Path) -> None:
    run, control = new_run(tmp_path, data_dir), RunControl()
    trainer.host(run, control, [stopping(control, 1, "train")])
    before = run.journal.read_bytes()
    changed(run, bs=32)
    assert "other data" in trainer.host(run, RunControl()).error
    assert run.journal.read_bytes().startswith(before)
    assert resumptions(run) == []
    assert status(run).state == "stopped"


def test_one_that_was_done_and_has_nothing_left_to_do_is_not_touched(tmp_path: Path, data_dir: Path) -> None:
    run = new_run(tmp_path, data_dir)
    trainer.host(run, RunControl())
    before = run.journal.read_bytes()
    assert trainer.host(run, RunControl()).reason == "done"
    assert run.journal.read_bytes() == before
    assert run.read_info().ended == "done"


def test_one_that_was_killed_behind_its_last_batch_is_done_now(tmp_path: Path, data_dir: Path) -> None:
    run = new_run(tmp_path, data_dir)
    trainer.host(run, RunControl())
    lines = run.journal.read_bytes().splitlines(keepends=True)
    run.journal.write_bytes(b"".join(line for line in lines if b'"FitEnded"' not in line))
    run.update_info(ended="")
    assert trainer.host(run, RunControl()).reason == "done"
    assert len(resumptions(run)) == 1
    assert (status(run).state, run.read_info().ended) == ("done", "done")


def test_a_stop_while_it_prepares_changes_nothing(tmp_path: Path, data_dir: Path) -> None:
    run, control = new_run(tmp_path, data_dir), RunControl()
    trainer.host(run, control, [stopping(control, 1, "train")])
    before = run.journal.read_bytes()
    second, states = RunControl(), []

    def hear(fact: ev.Fact) -> None:
        if isinstance(fact, ev.DataLoaded):
            states.append((status(run).state, status(run).alive))
            second.stop(15)

    assert trainer.host(run, second, [hear]).reason == "stopped"
    assert states == [("starting", True)]
    assert run.journal.read_bytes() == before
    assert (status(run).state, run.read_info().ended) == ("stopped", "stopped")


def test_a_checkpoint_that_cannot_be_read_is_set_aside_when_the_run_goes_on(tmp_path: Path, data_dir: Path) -> None:
    run, control = new_run(tmp_path, data_dir), RunControl()
    trainer.host(run, control, [stopping(control, 1, "valid")])
    names = checkpoint.names(run.checkpoints)
    (run.checkpoints / names[-1] / checkpoint.MODEL).write_bytes(b"")
    changed(run, data_dir=str(tmp_path / "misspelt"))
    assert trainer.host(run, RunControl()).reason == "failed"
    assert checkpoint.names(run.checkpoints) == names
    changed(run, data_dir=str(data_dir))
    assert trainer.host(run, RunControl()).reason == "done"
    assert [path.name[: -len("-0000")] for path in run.checkpoints.glob("broken-*")] == [f"broken-{names[-1]}"]


def test_the_time_never_falls_behind_that_of_the_checkpoint(tmp_path: Path, data_dir: Path) -> None:
    run, control = new_run(tmp_path, data_dir), RunControl()
    trainer.host(run, control, [stopping(control, 1, "train")])
    state = checkpoint.read_state(run.checkpoints / checkpoint.names(run.checkpoints)[-1])
    assert state.at is not None
    run.journal.unlink()
    assert trainer.host(run, RunControl()).reason == "done"
    first, mark, *_ = told(run)
    assert isinstance(first, ev.RunStarted)
    assert isinstance(mark, ev.RunResumed)
    assert mark.saved_at == state.at <= mark.at
    assert abs(first.wall + mark.at - mark.wall) < 1


def test_a_checkpoint_notes_until_when_it_holds_what_was_told(tmp_path: Path, data_dir: Path) -> None:
    run, control = new_run(tmp_path, data_dir, keep=99), RunControl()

    def hear(fact: ev.Fact) -> None:
        if isinstance(fact, (ev.EpochStarted, ev.EpochEnded)):
            control.submit(Save(id=str(fact)))

    trainer.host(run, control, [hear])
    facts = told(run)
    saved = [(i, fact) for i, fact in enumerate(facts) if isinstance(fact, ev.Saved) and fact.name.startswith("step")]
    assert len(saved) >= 4
    elsewhere = (ev.SystemSampled, ev.EnvironmentNoted)  # told by other threads, and about no step
    for i, fact in saved:
        at = checkpoint.read_state(run.checkpoints / fact.name).at
        assert at is not None
        assert all(before.at <= at for before in facts[:i] if not isinstance(before, elsewhere))
        assert all(later.at > at for later in facts[i:])


def test_a_held_journal_tells_how_far_the_preparation_is(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    begun: list[bytes] = []
    held = HeldJournal(journal, lambda: begun.append((tmp_path / "j").read_bytes()))
    heard: list[ev.Fact] = []
    held.tell = heard.append
    stage = ev.StageReached(at=1.0, stage="loading torch")
    start = ev.EpochStarted(at=2.0, epoch=0, phase="train", batches=1, step=0)
    held.write(stage)
    held.write(ev.Continued(at=1.5, paused=0.0))
    assert (heard, begun, (tmp_path / "j").read_bytes()) == ([stage], [], b"")
    held.write(start)
    assert begun == [b""]
    assert not held.holds
    held.write(ev.Continued(at=3.0, paused=0.0))
    assert [type(ev.decode(line)).__name__ for line in (tmp_path / "j").read_bytes().splitlines()] == [
        "StageReached", "Continued", "EpochStarted", "Continued",
    ]  # fmt: skip
    journal.close()


def test_layers_are_measured_at_the_steps_that_were_asked_for(tmp_path: Path, data_dir: Path) -> None:
    run, control = new_run(tmp_path, data_dir, stats=True, stats_every=4, epochs=3), RunControl()
    trainer.host(run, control, [stopping(control, 1, "train")])
    trainer.host(run, RunControl())
    (mark,) = resumptions(run)
    assert (mark.step + 1) % 4
    steps = [fact.step for fact in told(run) if isinstance(fact, ev.LayersMeasured)]
    assert steps[0] == 1
    assert steps[1] > mark.step
    assert all(step % 4 == 0 for step in steps[1:])
