"""A run to look at."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from miniai.config import RunConfig
from miniai.run.directory import RunDir, create_run


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a short path, for sockets: 107 bytes are all that theirs may have."""
    with tempfile.TemporaryDirectory(prefix="run-") as folder:
        yield Path(folder)


@pytest.fixture
def run(short: Path) -> RunDir:
    """A run that has told nothing yet."""
    return create_run(short, RunConfig())
