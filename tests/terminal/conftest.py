"""What the terminal tests share: tiny data, a folder and an environment each, and nothing left running."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.terminal.forked import Server
from tests.terminal.place import Place
from tests.terminal.term import Term

TRAIN, VALID = 2_000, 200


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the four idx files of a dataset that can be learned: each class has its own bright stripe."""
    folder = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(0)
    for stem, size in (("train", TRAIN), ("t10k", VALID)):
        labels = np.arange(size, dtype=np.uint8) % 10
        images = random.integers(0, 128, (size, 28, 28), dtype=np.uint8)
        images[np.arange(size), labels.astype(int) * 2 + 4] = 255
        head = struct.pack(">IIII", 0x803, size, 28, 28)
        (folder / f"{stem}-images-idx3-ubyte").write_bytes(head + images.tobytes())
        (folder / f"{stem}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, size) + labels.tobytes())
    return folder


@pytest.fixture
def place(tmp_path: Path, data: Path) -> Iterator[Place]:
    """A folder for the runs of one test; what was started there is ended afterwards."""
    place = Place(tmp_path, data)
    yield place
    place.clear_up()


@pytest.fixture
def terms() -> Iterator[list[Term]]:
    """Terminals to be closed."""
    held: list[Term] = []
    yield held
    for term in held:
        term.close()


@pytest.fixture(scope="session")
def server(data: Path) -> Iterator[str]:
    """The socket of a process that forks what trains."""
    with tempfile.TemporaryDirectory(prefix="f") as folder:  # a socket's path must be short
        server = Server(Path(folder), Place(Path(folder), data).env())
        yield server.socket
        server.close()


@pytest.fixture
def forked(place: Place, server: str) -> None:
    """What trains in this test is forked: for tests of what comes after a start, not of the start or the end."""
    place.server = server
