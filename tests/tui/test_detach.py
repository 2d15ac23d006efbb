"""`fit --detach` where the trainer is made up: slow to speak, mute, ending at once; and what is said of the logout."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from miniai.config import RunConfig
from miniai.run.directory import RunDir, create_run
from miniai.run.events import Alerted, DataLoaded, Fact, FitEnded, encode
from tests.tui.recorded import Recording
from tui import cli, detach

_START = list(Recording().start())
LOADED = _START[: [isinstance(fact, DataLoaded) for fact in _START].index(True) + 1]
"""What a trainer tells until it has its data."""


@pytest.fixture(autouse=True)
def stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of this login would leave a run alone."""
    monkeypatch.setattr(detach, "at_logout", str)


class Trainer:
    """A process in the trainer's place, kept; it tells what it `says` when it starts."""

    def __init__(self, code: str, says: Sequence[Fact]) -> None:
        self.code, self.says = code, says
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, run: RunDir) -> subprocess.Popen[bytes]:
        with run.journal.open("ab") as journal:
            journal.write(b"".join(encode(fact) + b"\n" for fact in self.says))
        self.process = subprocess.Popen([sys.executable, "-SIc", self.code], stdin=subprocess.PIPE)
        run.update_info(pid=self.process.pid)
        return self.process

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def end(self) -> None:
        if self.process is not None:
            assert self.process.stdin is not None
            self.process.stdin.close()
            self.process.returncode = None
            self.process.wait(10)


@pytest.fixture
def trains(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Trainer]]:
    """Puts a made-up trainer in the place of the real one."""
    made: list[Trainer] = []

    def put(code: str, says: Sequence[Fact] = LOADED) -> Trainer:
        made.append(Trainer(code, says))
        monkeypatch.setattr(detach, "start_trainer", made[-1].start)
        return made[-1]

    yield put
    for trainer in made:
        trainer.end()


WAITS = "import sys; sys.stdin.read()"
"""Lives until its stdin is closed."""


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    return create_run(tmp_path / "runs", RunConfig())


Trains = Callable[..., Trainer]


def test_the_danger_of_a_logout_is_said(
    run: RunDir, trains: Trains, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    trains(WAITS)
    monkeypatch.setattr(detach, "at_logout", lambda: "this run ends when you log out: do something")
    assert detach.fit_detached(run) == 0
    said = capfd.readouterr()
    assert said.out.startswith(f"{run.id} trains in the background")
    assert said.err == "miniai-tui: this run ends when you log out: do something\n"


def test_a_trainer_that_says_nothing_is_left_to_itself(
    run: RunDir, trains: Trains, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    trainer = trains(WAITS, says=[])
    monkeypatch.setattr(detach, "_FIRST_WORD", 0.1)
    monkeypatch.setattr(detach, "_noted", lambda run, pid: False)
    assert detach.fit_detached(run) == 0
    said = capfd.readouterr()
    assert f"process {trainer.pid}" in said.out
    assert "it has said nothing in 0 s; its log is" in said.err


def test_one_that_speaks_and_ends_at_once_was_there(run: RunDir, trains: Trains) -> None:
    trains("pass")
    assert detach.fit_detached(run) == 0


def test_the_word_of_another_that_resumed_the_run_first_does_not_count(
    run: RunDir, trains: Trains, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    run.log.write_text("error: another process trains it\n")
    trains("raise SystemExit(1)")
    monkeypatch.setattr(detach, "_noted", lambda run, pid: False)  # run.json names the other
    assert detach.fit_detached(run) == 1
    said = capfd.readouterr()
    assert said.out == ""
    assert "another process trains it" in said.err


def test_a_journal_that_holds_facts_already_does_not_count(
    run: RunDir, trains: Trains, capfd: pytest.CaptureFixture[str]
) -> None:
    """A run that is resumed: what is waited for is a new word."""
    run.journal.write_bytes(encode(FitEnded(at=1, reason="stopped", step=1)) + b"\n")
    trains("raise SystemExit(4)", says=[])
    assert detach.fit_detached(run) == 1
    assert "exit code 4" in capfd.readouterr().err


def test_what_is_wrong_with_the_data_is_said_before_the_shell_is_given_back(
    run: RunDir, trains: Trains, capfd: pytest.CaptureFixture[str]
) -> None:
    error = "there is no folder /nowhere\x1b[2J: name another with --data-dir"
    trains(WAITS, says=[LOADED[0], FitEnded(at=3, reason="failed", step=0, error=error)])
    detach_in_time(run, 1)
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err == "miniai-tui: there is no folder /nowhere[2J: name another with --data-dir\n"


def test_a_run_that_could_not_be_resumed_says_why(
    run: RunDir, trains: Trains, capfd: pytest.CaptureFixture[str]
) -> None:
    run.journal.write_bytes(encode(FitEnded(at=1, reason="failed", step=1, error="of before")) + b"\n")
    trains("raise SystemExit(1)", says=[Alerted(at=1, topic="resume", text="it could not be resumed: no data")])
    detach_in_time(run, 1)
    assert capfd.readouterr().err == "miniai-tui: it could not be resumed: no data\n"


def test_one_that_loads_for_long_is_left_alone_and_that_is_said(
    run: RunDir, trains: Trains, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    trains(WAITS, says=LOADED[:2])
    monkeypatch.setattr(detach, "_LOADS", 0.1)
    detach_in_time(run, 0)
    said = capfd.readouterr()
    assert said.out.startswith(f"{run.id} trains in the background")
    assert said.err.startswith("miniai-tui: it is still loading; how it goes on is told by  miniai-tui ctl ")
    assert said.err.endswith(" status\n")


def test_one_that_goes_on_with_a_run_has_spoken_when_it_listens(
    run: RunDir, trains: Trains, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing is in the journal before it trains."""
    trains(WAITS, says=[])
    monkeypatch.setattr(detach, "_LOADS", 0.1)
    detach_in_time(run, 0)
    assert "it is still loading" in capfd.readouterr().err


def detach_in_time(run: RunDir, code: int) -> None:
    """Well before the time that a trainer gets for its first word."""
    began = time.monotonic()
    assert detach.fit_detached(run) == code
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("more", [["--headless"], ["--worker", "thread"]])
def test_nothing_is_made_where_options_do_not_go_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str]
) -> None:
    folder = tmp_path / "runs"
    assert cli.main(["fit", "fashion", "--detach", "--run-dir", str(folder), *more]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "--detach" in said
    assert not folder.exists()
