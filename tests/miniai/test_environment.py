"""What a run is made with, and that nobody waits for git."""

from __future__ import annotations

import platform
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from miniai.callbacks.environment import EnvironmentCB
from miniai.details import device_name, modules
from miniai.learner import CancelFitException, FuncCB, Learner
from miniai.run.events import EnvironmentNoted, Fact, decode, encode
from miniai.run.revision import Revision, revision

Make = Callable[..., Learner]


def git(folder: Path, *arguments: str) -> str:
    me = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", str(folder), *me, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_the_revision_of_a_repository(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    assert revision(str(tmp_path)) == Revision("", "main", False)
    (tmp_path / "a").write_text("1")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "-qm", "one")
    commit = git(tmp_path, "rev-parse", "HEAD")
    (tmp_path / "untracked").write_text("1")
    assert revision(str(tmp_path)) == Revision(commit, "main", False)
    (tmp_path / "a").write_text("2")
    assert revision(str(tmp_path)) == Revision(commit, "main", True)
    git(tmp_path, "checkout", "-q", "--detach")
    assert revision(str(tmp_path)) == Revision(commit, "", True)


def test_no_repository_no_git_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert revision(str(tmp_path / "missing")) == Revision()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert revision(str(tmp_path)) == Revision()
    slow = tmp_path / "git"
    slow.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    slow.chmod(0o700)
    assert revision(str(tmp_path), patience=0.05) == Revision()


def test_said_once_when_git_has_answered(make_learner: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    heard, asked, answer = list[Fact](), list[str](), threading.Event()

    def ask(folder: str) -> Revision:
        asked.append(folder)
        answer.wait(30)
        return Revision("abc", "main", True)

    noted = EnvironmentCB(heard.append, lambda: 1.5, ask=ask)
    before = list[int]()

    def batch(learn: Learner) -> None:
        before.append(len(heard))
        if learn.steps == 2 and noted._thread is not None:
            answer.set()
            noted._thread.join(30)

    learn = make_learner([noted, FuncCB(after_step=batch)])
    learn.fit(2)
    assert before[:2] == [0, 0]
    assert before[2] == 1
    (fact,) = heard
    assert isinstance(fact, EnvironmentNoted)
    assert decode(encode(fact)) == fact
    assert (fact.python, fact.torch, fact.folder) == (platform.python_version(), torch.__version__, str(tmp_path))
    assert (fact.revision, fact.branch, fact.dirty) == ("abc", "main", True)
    assert fact.device == device_name(torch.device("cpu")) != ""
    assert asked == [str(tmp_path)]


def test_a_git_that_never_answers_is_left_out(make_learner: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("miniai.callbacks.environment.LAST_CHANCE", 0.01)
    heard, answer = list[Fact](), threading.Event()

    def ask(folder: str) -> Revision:
        answer.wait(30)
        return Revision("late")

    def cancel(learn: Learner) -> None:
        raise CancelFitException

    make_learner([EnvironmentCB(heard.append, ask=ask), FuncCB(after_batch=cancel)]).fit(1)
    answer.set()
    (fact,) = heard
    assert isinstance(fact, EnvironmentNoted)
    assert (fact.revision, fact.dirty) == ("", None)


class Shared(nn.Module):
    """Parameters of its own beside its parts, and a part that is used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))
        self.first = nn.Linear(4, 5)
        self.tied = nn.Linear(4, 5)
        self.tied.weight = self.first.weight
        self.act = nn.ReLU()


def test_modules_count_every_parameter_once() -> None:
    model = Shared()
    found = [(m.name, m.kind, m.shape, m.parameters) for m in modules(model)]
    assert found == [
        ("(model)", "Shared", "", 3), ("first", "Linear", "4>5", 25), ("tied", "Linear", "4>5", 5),
        ("act", "ReLU", "", 0),
    ]  # fmt: skip
    assert sum(m.parameters for m in modules(model)) == sum(p.numel() for p in model.parameters())
