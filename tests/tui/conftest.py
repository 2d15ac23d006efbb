"""Data for tests that train."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.idx import write_idx


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Idx files of 4,000 + 1,000 images."""
    return write_idx(tmp_path_factory.mktemp("idx"), 4000, 1000, packed=False)
