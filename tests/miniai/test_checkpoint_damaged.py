"""A checkpoint that a disk has damaged, in any byte of any file, is found out, and the one before it is taken."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from miniai.config import RunConfig
from miniai.errors import RunError
from miniai.run import checkpoint
from miniai.run.directory import RunDir, create_run
from miniai.run.resuming import resumption
from tests.miniai.resumed import Run

FILES = (checkpoint.MODEL, checkpoint.OPTIMIZER, "state.json")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two checkpoints."""
    folder = tmp_path_factory.mktemp("kept") / "checkpoints"
    Run(folder, every=1, keep=2).fit()
    return folder


@pytest.fixture
def run(tmp_path: Path, kept: Path) -> RunDir:
    run = create_run(tmp_path, RunConfig())
    shutil.copytree(kept, run.checkpoints)
    return run


def flipped(data: bytes, random: Random) -> Iterator[bytes]:
    for at in {0, len(data) - 1, *(random.randrange(len(data)) for _ in range(60))}:
        yield data[:at] + bytes([data[at] ^ (1 << random.randrange(8))]) + data[at + 1 :]


@pytest.mark.parametrize("name", FILES)
def test_a_bit_is_not_what_it_was(run: RunDir, name: str) -> None:
    older, newest = checkpoint.names(run.checkpoints)
    file = run.checkpoints / newest / name
    sound, state = file.read_bytes(), checkpoint.read_state(run.checkpoints / newest)
    passed = 0
    for data in flipped(sound, Random(name)):
        file.write_bytes(data)
        found = resumption(run)
        assert found is not None
        if found.path.name == newest:  # what is damaged is the name of the check sum itself
            assert found.state == state
            passed += 1
            continue
        assert found.path.name == older
        assert list(found.broken) == [newest]
        assert found.broken[newest].count("\n") == 0
        assert "broken" in found.broken[newest]
    assert passed <= (10 if name == "state.json" else 0)


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_cut_off_or_filled_with_zeros(run: RunDir, name: str) -> None:
    older, newest = checkpoint.names(run.checkpoints)
    file = run.checkpoints / newest / name
    sound = file.read_bytes()
    half = len(sound) // 2
    for data in (b"", sound[:1], sound[:half], sound[:-1], sound[:half] + bytes(len(sound) - half), bytes(len(sound))):
        file.write_bytes(data)
        found = resumption(run)
        assert found is not None
        assert (found.path.name, list(found.broken)) == (older, [newest])


def test_none_is_left(run: RunDir) -> None:
    for name in checkpoint.names(run.checkpoints):
        os.truncate(run.checkpoints / name / checkpoint.MODEL, 100)
    with pytest.raises(RunError, match=r"no checkpoint of .* can be used: .* is broken: model.safetensors has not"):
        resumption(run)
    assert len(checkpoint.names(run.checkpoints)) == 2


def test_one_of_an_earlier_version_has_no_check_sums(run: RunDir) -> None:
    newest = run.checkpoints / checkpoint.names(run.checkpoints)[-1]
    data = (newest / "state.json").read_bytes()
    before, sums, rest = data.partition(b'"sums":{')
    (newest / "state.json").write_bytes(before + rest.partition(b"},")[2].rpartition(b',"crc32"')[0] + b"}")
    assert sums
    assert checkpoint.read_state(newest).sums == {}
