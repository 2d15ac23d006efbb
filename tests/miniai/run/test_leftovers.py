"""Temporary folders of control sockets: none stays for long, and none that is in use goes."""

from __future__ import annotations

import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from miniai.config import RunConfig
from miniai.run.directory import RunDir, create_run
from miniai.run.listener import Listener
from miniai.run.requests import Kill, encode


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder for temporary folders, short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="t-") as folder:
        yield Path(folder)


@pytest.fixture
def run(tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> RunDir:
    """A run whose path is too long for a socket."""
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return create_run(tmp_path / ("d" * 100), RunConfig())


def left(place: Path, name: str, listens: bool = False, old: bool = True) -> socket.socket:
    """A folder as a trainer has it."""
    folder = place / name
    folder.mkdir()
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(folder / "control.sock"))
    if listens:
        sock.listen()
    if old:
        os.utime(folder, (1.0, 1.0))
    return sock


def test_a_killed_trainer_takes_its_folder_along(run: RunDir, place: Path) -> None:
    killed = threading.Event()
    listener = Listener(run, lambda request: None, killed.set)
    assert len(list(place.iterdir())) == 1
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(listener.address)
        sock.sendall(encode(Kill(id="k")) + b"\n")
        assert killed.wait(5)
    assert list(place.iterdir()) == []
    listener.close()


def test_the_next_trainer_clears_up_after_one_that_could_not(run: RunDir, place: Path) -> None:
    socks = [
        left(place, "miniai-tui-gone"),
        left(place, "miniai-tui-lives", listens=True),
        left(place, "miniai-tui-new", old=False),
        left(place, "another-gone"),
    ]
    (place / "miniai-tui-data-7-x").mkdir()
    os.utime(place / "miniai-tui-data-7-x", (1.0, 1.0))
    os.symlink(place / "another-gone", place / "miniai-tui-link")
    before = {path.name for path in place.iterdir()}
    listener = Listener(run, lambda request: None)
    own = Path(listener.address).parent.name
    assert {path.name for path in place.iterdir()} == before - {"miniai-tui-gone"} | {own}
    listener.close()
    for sock in socks:
        sock.close()
