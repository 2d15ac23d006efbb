"""A pane of tmux that is closed over a run, and one that is opened on it afterwards."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.terminal.place import Place, eventually

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Tmux:
    """A tmux server of our own with windows of 120x40."""

    def __init__(self, place: Place, folder: Path) -> None:
        self._place = place
        self._socket = folder / "s"

    def __call__(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-f", "/dev/null", "-S", self._socket, *words],
            cwd=self._place.folder, env=self._place.env("slow:0.02"), capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout

    def open(self, argv: list[str]) -> str:
        """A pane with a command in it; its name. What the command leaves on the screen stays."""
        return self("new-session", "-d", "-x", "120", "-y", "40", "-P", "-F", "#{pane_id}", *argv).strip()

    def text(self, pane: str) -> str:
        """What is seen in a pane."""
        return self("capture-pane", "-p", "-t", pane)

    def wait(self, pane: str, words: str) -> None:
        """Wait for words in a pane."""
        eventually(lambda: words in self.text(pane), f"{words!r} in the pane")


@pytest.fixture
def tmux(place: Place) -> Iterator[Tmux]:
    with tempfile.TemporaryDirectory(prefix="t") as folder:  # a socket's path must be short
        tmux = Tmux(place, Path(folder))
        tmux("start-server", ";", "set", "-g", "exit-empty", "off", ";", "set", "-g", "remain-on-exit", "on")
        yield tmux
        tmux("kill-server")


def test_a_closed_pane(place: Place, tmux: Tmux) -> None:
    pane = tmux.open(place.fit(epochs=4))
    tmux.wait(pane, "● training")
    eventually(lambda: place.step > 10, "some batches")
    trainer = place.trainer()
    tmux("kill-pane", "-t", pane)
    assert trainer.is_running()
    again = tmux.open(place.command("attach", "last"))
    tmux.wait(again, "● training")
    tmux("send-keys", "-t", again, "Space")
    tmux.wait(again, "‖ paused at step")
    tmux("send-keys", "-t", again, "Space")
    eventually(lambda: place.facts("Continued"), "the run going on")
    tmux("kill-pane", "-t", again)
    eventually(lambda: place.ended == "done", "the run's own end", 60)
    assert [fact["ended"] for fact in place.facts("EpochEnded")] == ["complete"] * 8
