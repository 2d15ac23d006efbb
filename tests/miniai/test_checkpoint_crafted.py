"""A checkpoint that somebody has crafted: one clear line, and no code runs, whatever is in its files."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from miniai.errors import RunError
from miniai.run import checkpoint
from miniai.run.checkpoint import MODEL, OPTIMIZER
from tests.miniai.resumed import Run


class Evil:
    """Unpickling this makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def saved(folder: Path) -> Path:
    Run(folder, every=1).fit()
    return folder / checkpoint.names(folder)[-1]


def state_of(path: Path) -> dict[str, Any]:
    """Without its check sums, which would only hide what is checked after them."""
    state: dict[str, Any] = json.loads((path / "state.json").read_bytes())
    return {name: value for name, value in state.items() if name not in ("sums", "crc32")}


def put(path: Path, state: dict[str, Any]) -> None:
    (path / "state.json").write_text(json.dumps(state))


def with_file(path: Path, name: str, data: bytes) -> None:
    """A file of the checkpoint replaced, its size too."""
    (path / name).write_bytes(data)
    state = state_of(path)
    state["sizes"][name] = len(data)
    put(path, state)


def evil(path: Path) -> bytes:
    return pickle.dumps(Evil(path.parents[1] / "ran"))


def header(text: bytes, size: int | None = None) -> bytes:
    return (len(text) if size is None else size).to_bytes(8, "little") + text


def pipe(path: Path) -> None:
    (path / "state.json").unlink()
    os.mkfifo(path / "state.json")


def linked(path: Path) -> None:
    """A file that lies elsewhere."""
    os.rename(path / MODEL, path.parents[1] / "elsewhere")
    os.symlink(path.parents[1] / "elsewhere", path / MODEL)


def changed(path: Path, *keys: str, to: Any) -> None:
    state = part = state_of(path)
    for key in keys[:-1]:
        part = part[key]
    part[keys[-1]] = to
    put(path, state)


DEEP = b'{"schema":1,"callbacks":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}"
F32 = b'{"0.weight":{"dtype":"F32","shape":[%s],"data_offsets":[0,%s]}}'
CRAFTED: dict[str, Callable[[Path], object]] = {
    "pickled-state": lambda path: (path / "state.json").write_bytes(evil(path)),
    "pickled-model": lambda path: with_file(path, MODEL, evil(path)),
    "pickled-optimizer": lambda path: with_file(path, OPTIMIZER, evil(path)),
    "empty-model": lambda path: with_file(path, MODEL, b""),
    "absurd-header": lambda path: with_file(path, MODEL, header(b"{}", 2**63)),
    "header-of-nothing": lambda path: with_file(path, MODEL, header(b"{}")),
    "absurd-shape": lambda path: with_file(path, MODEL, header(F32 % (b"4611686018427387904,4", b"4")) + b"1234"),
    "absurd-offsets": lambda path: with_file(path, MODEL, header(F32 % (b"1", b"9999999999"))),
    "path-as-a-name": lambda path: with_file(
        path, MODEL, header(b'{"../../x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}') + b"1234"
    ),
    "wrong-size": lambda path: changed(path, "sizes", MODEL, to=1),
    "no-sizes": lambda path: changed(path, "sizes", to={}),
    "sizes-of-a-path": lambda path: changed(path, "sizes", to={"../x": 1}),
    "newer": lambda path: changed(path, "schema", to=2),
    "no-schema": lambda path: put(path, {}),
    "no-json": lambda path: (path / "state.json").write_bytes(b"\xff\xfe{"),
    "deep-json": lambda path: (path / "state.json").write_bytes(DEEP),
    "no-state": lambda path: (path / "state.json").unlink(),
    "no-model": lambda path: (path / MODEL).unlink(),
    "a-pipe": pipe,
    "a-link": linked,
    "negative": lambda path: changed(path, "step", to=-1),
    "text-for-a-step": lambda path: changed(path, "step", to="3"),
    "optimizer-of-nothing": lambda path: changed(path, "optimizer", to={"state": {}, "param_groups": []}),
    "optimizer-of-text": lambda path: changed(path, "optimizer", to="x"),
    "a-tensor-that-is-not-there": lambda path: changed(path, "optimizer", "state", to={"$tensor": "/etc/passwd"}),
    "a-tensor-of-no-type": lambda path: changed(path, "random", "here", to={"$tensor": ["Storage", [1], "AAAA"]}),
    "a-huge-tensor": lambda path: changed(path, "random", "here", to={"$tensor": ["uint8", [2**60], "AAAA"]}),
    "a-negative-tensor": lambda path: changed(path, "random", "here", to={"$tensor": ["uint8", [-1, -3], "AAAA"]}),
    "no-random": lambda path: changed(path, "random", to={}),
    "random-of-text": lambda path: changed(path, "random", "here", "python", to="x"),
    "random-of-zeros": lambda path: changed(path, "random", "here", "torch", to={"$tensor": ["uint8", [1], "AA=="]}),
    "unknown-kind": lambda path: changed(path, "random", "here", to={"$class": "os.system"}),
    "callback-of-text": lambda path: changed(path, "callbacks", "MetricsCB", to="x"),
    "callback-of-nothing": lambda path: changed(path, "callbacks", "BatchSchedCB", to={}),
    "callback-of-lists": lambda path: changed(path, "callbacks", "ControlCB", to={"batch": [], "validation": 3}),
}  # fmt: skip


@pytest.mark.parametrize("name", CRAFTED)
def test_a_crafted_checkpoint_is_one_line_and_runs_nothing(tmp_path: Path, name: str) -> None:
    path = saved(tmp_path / "checkpoints")
    CRAFTED[name](path)
    with pytest.raises(RunError) as error:
        Run(path.parent).fit()
    assert "\n" not in str(error.value)
    assert not (tmp_path / "ran").exists()


def test_fields_of_a_later_version_are_passed_over(tmp_path: Path) -> None:
    path = saved(tmp_path / "checkpoints")
    put(path, {**state_of(path), "mood": "good", "callbacks": {**state_of(path)["callbacks"], "MoodCB": {"x": 1}}})
    assert Run(path.parent, until=4).fit().learn.n_epochs == 4
