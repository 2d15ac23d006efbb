"""Whatever a run is called and whatever it says: nothing that a terminal obeys comes out of any command of ours."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import get_args

import pytest

from miniai.config import RunConfig
from miniai.run import events as ev
from miniai.run.directory import RunDir
from miniai.run.listener import Listener
from miniai.run.requests import AnyRequest
from tests.hostile import EVIL, everything, hostile_run, obeyed, pieces, poisoned
from tui.cli import main
from tui.headless import LogPrinter
from tui.lines import Lines
from tui.lr_find import RateLines
from tui.state.run import RunState
from tui.state.summary import summary


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hostile runs, and folders that look like runs."""
    root = tmp_path_factory.mktemp("hostile") / "runs"
    hostile_run(root)
    hostile_run(root, "20260101-000001", host=EVIL)
    broken = hostile_run(root, "20260101-000002")
    broken.info_file.write_text(f'"{EVIL}', encoding="utf-8")
    hostile_run(root, "20260101-000003")
    return root


def test_every_text_is_hostile() -> None:
    """The test's own tool: all kinds of facts are there, and none without `EVIL` where any text may be."""
    facts = [poisoned(fact) for fact in everything()]
    kinds = {type(fact) for fact in facts}
    names = {kind.__name__ for kind in get_args(ev.AnyFact)} - {kind.__name__ for kind in kinds}
    assert names <= {"RatesTried", "DatasetDescribed", "EpochSkipped"}, "in which there are no texts"
    for kind in (ev.RunStarted, ev.Alerted, ev.Refused, ev.FitEnded, ev.DataLoaded, ev.EpochEnded, ev.Scalars):
        assert all(b"]52;c;aGk=" in ev.encode(fact) for fact in facts if type(fact) is kind and ev.encode(fact))


NAMES = ["failed", "elsewhere", "damaged", "nothing\x1b[2J\u202e"]
"""Each of the runs, and one that is not there."""
COMMANDS: dict[str, list[str]] = {
    "runs": ["runs"],
    "runs --json": ["runs", "--json"],
    "ctl pause": ["ctl", "RUN", "pause"],
    "ctl nonsense": ["ctl", "RUN", EVIL],
    "ctl lr nonsense": ["ctl", "RUN", "lr", EVIL],
    "ctl --json": ["ctl", "RUN", "status", "--json"],
    "compare --plain": ["compare", "RUN", "OTHER", "--plain"],
    "compare --json": ["compare", "RUN", "OTHER", "--json"],
    "export csv": ["export", "RUN", "--to", "csv", "--force"],
    "export json": ["export", "RUN", "--to", "json", "--force"],
    "export tensorboard": ["export", "RUN", "--to", "tensorboard", "--force"],
    "export into": ["export", "RUN", "--to", "csv", "-o", EVIL.replace("\0", "")],
    "attach": ["attach", "RUN"],
    "fit --resume": ["fit", "--resume", "RUN", "--headless"],
    "fit a wrong name": ["fit", EVIL],
    "fit a wrong option": ["fit", "fashion", "--opt", EVIL],
    "fit an unknown option": ["fit", "fashion", f"--{EVIL}"],
    "data a wrong name": ["data", EVIL],
}


CASES = [(command, name) for command, words in COMMANDS.items() for name in (NAMES if "RUN" in words else [""])]


@pytest.mark.parametrize(("command", "name"), CASES)
def test_nothing_that_a_terminal_obeys(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, name: str
) -> None:
    paths = dict(zip([*NAMES[:3], "OTHER"], map(str, sorted(runs.iterdir())), strict=True))
    words = [paths.get(name if word == "RUN" else word, name if word == "RUN" else word) for word in COMMANDS[command]]
    if words[0] in ("runs", "ctl", "compare", "export", "attach", "fit"):
        words += ["--run-dir", str(runs)]
    monkeypatch.chdir(tmp_path)
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), suppress(SystemExit):
        main(words)
    said = (out.getvalue() + err.getvalue()).encode("utf-8", "surrogateescape")
    assert said
    assert obeyed(said) == []


def lines(form: str, renders: Callable[[RunDir], object], run: RunDir) -> bytes:
    """What a log printer writes of a hostile run."""
    reader, writer = os.pipe()
    printer = LogPrinter(form, every=0.0, fd=writer, room=10_000, lines=renders(run))  # type: ignore[arg-type]
    with os.fdopen(reader, "rb") as file, subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"],
        stdin=file, stdout=subprocess.PIPE,
    ) as cat:  # fmt: skip
        for fact in everything():
            printer(poisoned(fact))
        printer.close(20)
        os.close(writer)
        return cat.communicate(timeout=20)[0]


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("renders", [lambda run: Lines(run.path), lambda run: RateLines(RunConfig(job="lr-find"))])
def test_the_log_of_a_fit(runs: Path, form: str, renders: Callable[[RunDir], object]) -> None:
    run = RunDir(next(runs.glob("20260101-000000*")))
    said = lines(form, renders, run)
    assert said.count(b"\n") > 3
    assert obeyed(said) == []


@pytest.mark.parametrize("parting", ["", "left running", "left paused", "killed"])
def test_the_last_words_of_a_screen(runs: Path, parting: str) -> None:
    state = RunState()
    for fact in everything():
        state.apply(poisoned(fact))
    run = next(runs.glob("20260101-000000*"))
    assert obeyed(summary(state, run, parting).encode("utf-8", "surrogateescape")) == []


def test_pieces_are_found() -> None:
    assert pieces(EVIL.encode()) != []
    assert obeyed(EVIL.encode()) != []
    assert obeyed("fine – ✓ 漢字 é\n".encode()) == []


def test_what_a_run_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = hostile_run(tmp_path)
    lines = run.journal.read_bytes().splitlines(keepends=True)[:40]
    run.journal.write_bytes(b"".join(lines))
    with socketed(run) as answers:
        for form in ([], ["--json"]):
            for words in (["pause"], ["status"], ["lr", "0.1"], ["stop"]):
                assert main(["ctl", str(run.path), *words, *form]) in (0, 1)
        assert main(["runs", "--run-dir", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert answers, said
    assert obeyed((said.out + said.err).encode()) == []
    assert "refused" in said.err or "evil" in said.err.replace(" ", "")


@contextmanager
def socketed(run: RunDir) -> Iterator[list[AnyRequest]]:
    """A trainer that answers every request with hostile words."""
    asked: list[AnyRequest] = []

    def refuse(request: AnyRequest) -> None:
        asked.append(request)
        listener.answer(ev.Refused(at=1.0, request=request.id, why=EVIL))

    listener = Listener(run, refuse)
    run.update_info(socket=listener.address)
    try:
        yield asked
    finally:
        listener.close()
