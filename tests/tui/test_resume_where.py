"""`fit --resume` and `attach` of what was trained elsewhere: before a restart, on another machine, or as a copy."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from pathlib import Path

import psutil
import pytest
from textual.message import Message

from miniai.errors import RunError
from miniai.run import events as ev
from miniai.run.control import new_id
from miniai.run.directory import RunDir
from miniai.run.listener import Listener
from miniai.run.requests import AnyRequest, Pause
from tests.tui.recorded import Recording
from tests.tui.test_resume import resume, stopped, torch_is_there  # noqa: F401
from tui.attach import AttachedSession
from tui.messages import RequestFailed

pytestmark = pytest.mark.usefixtures("torch_is_there")


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    """One that was killed a moment ago."""
    run = stopped(tmp_path)
    facts = [fact for fact in Recording().until(0, 20) if not isinstance(fact, ev.FitEnded)]
    run.journal.write_bytes(b"".join(ev.encode(fact) + b"\n" for fact in facts))
    return run


def test_what_was_trained_here_before_a_restart_goes_on_at_once(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "boot_time", lambda: time.time() - 20)
    os.utime(run.journal, (time.time() - 30,) * 2)
    run.update_info(boot="another")
    assert "before a restart" in _refused_words(run)
    resume_as_it_is(run)


def test_a_machine_of_the_same_name_that_runs_for_longer_is_another(
    run: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psutil, "boot_time", lambda: time.time() - 4_000)
    os.utime(run.journal, (time.time() - 30,) * 2)
    run.update_info(boot="another")
    with pytest.raises(RunError, match="may still be trained"):
        resume_as_it_is(run)


def test_on_another_machine_it_may_still_be_trained(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "boot_time", time.time)
    run.update_info(host="elsewhere", boot="another")
    with pytest.raises(RunError, match="may still be trained on elsewhere"):
        resume_as_it_is(run)
    os.utime(run.journal, (time.time() - 90,) * 2)
    resume_as_it_is(run)


def test_a_copy_of_a_live_run_goes_on_by_itself(run: RunDir, tmp_path: Path) -> None:
    run.update_info(pid=os.getpid(), pid_started=psutil.Process().create_time())
    with pytest.raises(RunError, match="is being trained in process"):
        resume_as_it_is(run)
    shutil.copytree(run.path, tmp_path / "copy")
    copy = RunDir(tmp_path / "copy")
    resume_as_it_is(copy)
    info = copy.read_info()
    assert (info.host, info.folder, copy.is_copy(info)) == (socket.gethostname(), copy.inode, False)


def test_a_screen_on_a_copy_does_not_control_the_original(run: RunDir, tmp_path: Path) -> None:
    asked: list[AnyRequest] = []
    listener = Listener(run, asked.append)
    run.update_info(socket=listener.address, pid=os.getpid(), pid_started=psutil.Process().create_time())
    shutil.copytree(run.path, tmp_path / "copy", ignore=shutil.ignore_patterns("control.sock"))
    session, said = AttachedSession(RunDir(tmp_path / "copy")), list[Message]()
    thread = threading.Thread(target=lambda: session.run(said.append), daemon=True)
    try:
        session._app_post = said.append
        session.request(Pause(id=new_id()))
        session.close()  # delivers what was asked
        thread.start()
        thread.join(10)
    finally:
        listener.close()
    assert asked == []
    (failed,) = [message for message in said if isinstance(message, RequestFailed)]
    assert "this is a copy of the folder in which the run was trained" in failed.text


def _refused_words(run: RunDir) -> str:
    from miniai.run.status import status

    return status(run).words


def resume_as_it_is(run: RunDir) -> None:
    """Without a word in run.json of how it ended."""
    import argparse

    from tui.resume import resumed_run

    resumed_run(argparse.Namespace(resume=str(run.path), run_dir=str(run.path.parent)))
