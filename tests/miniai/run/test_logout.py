"""What is said of the end of the login, with systems made of files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from miniai import trainer
from miniai.config import RunConfig
from miniai.run import events as ev
from miniai.run import logout
from miniai.run.control import RunControl
from miniai.run.directory import RunDir, create_run
from miniai.run.logout import ask_logind, at_logout
from miniai.run.reporter import Reporter

SESSION = "0::/user.slice/user-1000.slice/session-3.scope\n"
MANAGER = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/vte-spawn-1.scope\n"

Make = Callable[..., Path]


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes a root: the control group, files by their path, and whether the user's manager runs and lingers."""

    def make(group: str, manager: bool = True, linger: bool = False, **files: str) -> Path:
        wanted = {"proc/self/cgroup": group, **files}
        if manager:
            wanted[f"run/user/{os.getuid()}/systemd/private"] = ""
        if linger:
            wanted["var/lib/systemd/linger/ann"] = ""
        for name, text in wanted.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
        return tmp_path

    return make


def said(root: Path, user: str = "ann", **settings: str) -> str:
    return at_logout(root, user, lambda: settings)


@pytest.mark.parametrize(
    "group",
    ["", "0::/\n", "0::/system.slice/cron.service\n", "0::/docker/3f2a\n", "9:name=systemd:/\n0::/\n",
     "0::/system.slice/slurmstepd.scope/job_5/step_0\n", "garbage\n", "0::/user.slice/my-session-3.scope.d\n"],
)  # fmt: skip
def test_outside_of_a_login_there_is_nothing_to_say(system: Make, group: str) -> None:
    assert said(system(group), KillUserProcesses="yes") == ""


def test_without_proc_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert said(tmp_path, KillUserProcesses="yes") == ""


@pytest.mark.parametrize("group", [SESSION, "1:name=systemd:/user.slice/user-1000.slice/session-c4.scope\n0::/\n"])
def test_a_session_whose_processes_are_killed(system: Make, group: str) -> None:
    line = said(system(group), KillUserProcesses="yes")
    assert line.startswith("this run ends when you log out")
    assert "loginctl enable-linger" in line
    assert "systemd-run --user --scope miniai-tui fit" in line
    assert "\n" not in line


def test_a_session_whose_processes_are_left_alone(system: Make) -> None:
    assert said(system(SESSION), KillUserProcesses="no") == ""


def test_a_user_who_lingers_already_is_not_told_to(system: Make) -> None:
    line = said(system(SESSION, linger=True), KillUserProcesses="yes")
    assert "systemd-run --user --scope" in line
    assert "linger" not in line


def test_without_a_user_manager_there_is_no_scope_to_start(system: Make) -> None:
    line = said(system(SESSION, manager=False), KillUserProcesses="yes")
    assert "systemd-run" not in line
    assert "ask who looks after this machine" in line


def test_what_nobody_says_is_a_maybe(system: Make) -> None:
    assert said(system(SESSION)).startswith("this run may end when you log out")


@pytest.mark.parametrize(
    ("user", "settings", "killed"),
    [
        ("root", {"KillUserProcesses": "yes"}, False),
        ("root", {"KillUserProcesses": "yes", "KillExcludeUsers": "bob"}, True),
        ("ann", {"KillUserProcesses": "yes", "KillExcludeUsers": "bob ann"}, False),
        ("ann", {"KillUserProcesses": "yes", "KillOnlyUsers": "bob"}, False),
        ("ann", {"KillUserProcesses": "no", "KillOnlyUsers": "bob ann"}, True),
        ("ann", {"KillUserProcesses": "yes", "KillOnlyUsers": "ann", "KillExcludeUsers": "ann"}, False),
        ("ann", {"KillUserProcesses": "True"}, True),
        ("ann", {"KillUserProcesses": "off"}, False),
    ],
)
def test_who_is_spared(system: Make, user: str, settings: dict[str, str], killed: bool) -> None:
    assert bool(said(system(SESSION), user, **settings)) is killed


@pytest.mark.parametrize(("linger", "word"), [(False, "loginctl enable-linger"), (True, "")])
def test_under_the_user_s_manager_lingering_decides(system: Make, linger: bool, word: str) -> None:
    line = said(system(MANAGER, linger=linger), KillUserProcesses="no")
    assert word in line
    assert bool(line) is not linger


def test_files_count_where_logind_does_not_answer(system: Make) -> None:
    conf = "[Login]\n#KillUserProcesses=no\nKillUserProcesses = yes\n"
    assert said(system(SESSION, **{"etc/systemd/logind.conf": conf})).startswith("this run ends")


def test_what_logind_says_counts_before_files(system: Make) -> None:
    root = system(SESSION, **{"etc/systemd/logind.conf": "[Login]\nKillUserProcesses=yes\n"})
    assert said(root, KillUserProcesses="no") == ""


def test_drop_ins_count_by_name_and_the_administrator_s_before_the_vendor_s(system: Make) -> None:
    yes, no = "[Login]\nKillUserProcesses=yes\n", "[Login]\nKillUserProcesses=no\n"
    conf = {
        "etc/systemd/logind.conf": no,
        "usr/lib/systemd/logind.conf.d/20-kill.conf": yes,
        "etc/systemd/logind.conf.d/10-first.conf": no,
    }
    assert said(system(SESSION, **conf)).startswith("this run ends")
    conf["etc/systemd/logind.conf.d/20-kill.conf"] = no
    assert said(system(SESSION, **conf)) == ""


def test_only_comments_say_nothing(system: Make) -> None:
    root = system(SESSION, **{"etc/systemd/logind.conf": "[Login]\n#KillUserProcesses=yes\n"})
    assert said(root).startswith("this run may end")


def test_a_user_without_a_name(system: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    import pwd

    def unknown(_: int) -> object:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert at_logout(system(SESSION), None, lambda: {"KillUserProcesses": "yes"}).startswith("this run ends")


def loginctl(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = folder / "bin" / "loginctl"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")


def test_logind_is_asked_for_its_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loginctl(tmp_path, "echo KillUserProcesses=yes; echo KillExcludeUsers=root bob; echo Docked=no", monkeypatch)
    assert ask_logind() == {"KillUserProcesses": "yes", "KillExcludeUsers": "root bob"}


@pytest.mark.parametrize("script", ["exit 1", "exec sleep 30", "printf '\\377\\376'"])
def test_a_logind_that_fails_or_hangs_has_nothing_to_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    monkeypatch.setattr(logout, "_PATIENCE", 0.2)
    loginctl(tmp_path, script, monkeypatch)
    assert ask_logind() == {}


def test_without_loginctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ask_logind() == {}


class Job:
    """A job that is done at once."""

    step = 0

    def __init__(self, run: RunDir, config: RunConfig, control: RunControl, reporter: Reporter) -> None:
        pass

    def run(self) -> str:
        return "done"


@pytest.mark.parametrize(
    ("job", "outlives", "said"),
    [("fit", True, ["this run ends when you log out"]), ("fit", False, []), ("lr-find", True, [])],
)
def test_the_trainer_says_so_where_it_is_meant_to_outlive_the_login(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, job: str, outlives: bool, said: list[str]
) -> None:
    monkeypatch.setattr(trainer, "_job", lambda config: Job)
    monkeypatch.setattr(trainer, "at_logout", lambda: "this run ends when you log out")
    run = create_run(tmp_path, msgspec.convert({"job": job}, RunConfig))
    trainer.host(run, RunControl(), outlives=outlives)
    facts = [ev.decode(line) for line in run.journal.read_bytes().splitlines()]
    assert [fact.text for fact in facts if isinstance(fact, ev.Alerted) and fact.topic == "logout"] == said
