"""The files of a checkpoint: whole or not there, and readable by others."""

from __future__ import annotations

import json
import os
from collections import deque
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import nn

from miniai.errors import RunError
from miniai.learner import Learner, MetricsCB, TrainCB
from miniai.learner_state import load_model, model_state
from miniai.plain import from_plain, to_plain
from miniai.run import checkpoint
from miniai.run import events as ev
from miniai.run.checkpoint import MODEL, OPTIMIZER, CheckpointState
from tests.miniai.resumed import Run, bits

STATE = CheckpointState(step=3, epoch=0, phase="train", batch=3, n_epochs=2, wall=1.5, sizes={})


DTYPES = [
    torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
    torch.uint8, torch.bool,
]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_safetensors_own_reader_reads_it(tmp_path: Path, dtype: torch.dtype) -> None:
    square = torch.arange(12).reshape(3, 4).to(dtype)
    tensors = {"a.b": square, "turned": square.t(), "every second": square[:, ::2], "one": square[1, 1],
               "none": square[:0], "ü": square.expand(2, 3, 4)}  # fmt: skip
    checkpoint.write(tmp_path, "step-3", tensors, {}, STATE)
    read = load_file(tmp_path / "step-3" / MODEL)
    assert bits(read) == bits(tensors)
    assert bits(checkpoint.read_tensors(tmp_path / "step-3" / MODEL)) == bits(tensors)


class Tied(nn.Module):
    """One weight under two names, a buffer that is not saved by torch, and a state of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(3, 3), nn.Linear(3, 3)
        self.second.weight = self.first.weight
        self.register_buffer("hidden", torch.rand(2), persistent=False)
        self.count = 1

    def get_extra_state(self) -> dict[str, int]:
        return {"count": self.count}

    def set_extra_state(self, state: dict[str, int]) -> None:
        self.count = state["count"]


def test_tied_weights_hidden_buffers_and_extra_state(tmp_path: Path) -> None:
    a, b = Tied(), Tied()
    a.count = 5
    tensors, rest = model_state(a)
    checkpoint.write(tmp_path, "step-1", tensors, {}, msgspec.structs.replace(STATE, model=to_plain(rest)))
    state = checkpoint.read_state(tmp_path / "step-1")
    load_model(b, checkpoint.read_tensors(tmp_path / "step-1" / MODEL), from_plain(state.model))
    assert b.second.weight is b.first.weight
    assert torch.equal(a.first.weight, b.first.weight)
    assert torch.equal(a.hidden, b.hidden)  # type: ignore[arg-type]
    assert b.count == 5


plain: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text() | st.integers(), inner)
        | st.lists(inner).map(tuple)
        | st.builds(deque, st.lists(inner), st.just(None) | st.integers(0, 3))
    ),
    max_leaves=20,
)


@given(plain)
def test_nested_state_goes_through_json(value: Any) -> None:
    back = from_plain(msgspec.json.decode(msgspec.json.encode(to_plain(value))))
    assert repr(back) == repr(value)
    assert type(back) is type(value)


@pytest.mark.parametrize("dtype", [*DTYPES, torch.complex64], ids=str)
def test_tensors_within_json(dtype: torch.dtype) -> None:
    for tensor in (torch.ones(2, 3).to(dtype), torch.ones(()).to(dtype), torch.ones(0, 2).to(dtype)):
        back = from_plain(json.loads(json.dumps(to_plain({"t": (tensor,)}))))
        assert bits(back) == bits({"t": (tensor,)})


def test_what_cannot_be_saved_is_named() -> None:
    with pytest.raises(RunError, match=r"a function cannot be saved in a checkpoint \(.rates.0\)"):
        to_plain({"rates": [lambda: 0]})


def test_a_changed_shape_is_named(tmp_path: Path) -> None:
    model = nn.Linear(2, 3)
    tensors, _ = model_state(nn.Linear(2, 4))
    before = bits(model.state_dict())
    with pytest.raises(RunError, match=r"'weight' is torch.float32 \(4, 2\) there, torch.float32 \(3, 2\) here"):
        load_model(model, tensors, {})
    assert bits(model.state_dict()) == before
    with pytest.raises(RunError, match="only the checkpoint's has 'bias'"):
        load_model(nn.Linear(2, 4, bias=False), tensors, {})


@pytest.mark.parametrize("file", ["model", "sync", "rename"])
def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    calls = {"model": (os, "open"), "sync": (os, "fsync"), "rename": (os, "rename")}

    place, name = calls[file]
    really = getattr(place, name)

    def refuse(*args: Any, **more: Any) -> Any:
        if file == "model" and not str(args[0]).endswith(MODEL):
            return really(*args, **more)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(place, name, refuse)
        with pytest.raises(OSError, match="No space left"):
            checkpoint.write(tmp_path, "step-1", {"a": torch.ones(2)}, {}, STATE)
    assert list(tmp_path.iterdir()) == []


def test_all_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[tuple[str, str, int]] = []
    sync, rename = os.fsync, os.rename

    def synced(fd: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{fd}"))
        done.append(("sync", str(path.relative_to(tmp_path)), path.stat().st_size if path.is_file() else 0))
        sync(fd)

    def renamed(old: Path, new: Path) -> None:
        done.append(("rename", str(new.relative_to(tmp_path)), 0))
        rename(old, new)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "rename", renamed)
    checkpoint.write(tmp_path / "checkpoints", "step-1", {"a": torch.ones(2)}, {"b": torch.ones(3)}, STATE)
    made = tmp_path / "checkpoints" / "step-1"
    part = "checkpoints/.part-step-1"
    files = [("sync", f"{part}/{name}", (made / name).stat().st_size) for name in (MODEL, OPTIMIZER, "state.json")]
    after = [("sync", part, 0), ("rename", "checkpoints/step-1", 0), ("sync", "checkpoints", 0)]
    assert done == [("sync", ".", 0), *files, *after]


def test_what_a_kill_left_half_written_is_no_checkpoint(tmp_path: Path) -> None:
    for name in (".part-step-9", ".gone-step-8", "step-", "step-1x", "best-2-", "other", "step-7\n"):
        (tmp_path / name).mkdir()
    os.symlink(tmp_path / "other", tmp_path / "step-5")
    (tmp_path / "step-6").write_text("a file")
    for name in ("step-10", "step-9-2", "best-9", "step-9"):
        checkpoint.write(tmp_path, name, {}, {}, STATE)
    assert checkpoint.names(tmp_path) == ["best-9", "step-9", "step-9-2", "step-10"]
    assert checkpoint.free_name(tmp_path, "step", 9) == "step-9-3"
    checkpoint.clean_up(tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


class Strange:
    """A metric that cannot be saved."""

    def update(self, *args: Any) -> None:
        """Nothing."""

    def compute(self) -> float:
        return 1.0

    def reset(self) -> None:
        """Nothing."""

    def state_dict(self) -> dict[str, Any]:
        return {"open": print}


def test_a_state_that_cannot_be_saved_is_said_and_training_goes_on(tmp_path: Path) -> None:
    run = Run(tmp_path / "checkpoints", every=1, more=[MetricsCB(strange=Strange())])
    run.fit()
    assert run.learn.steps == 12
    assert [fact.text.split(" (")[0] for fact in run.of(ev.Alerted)] == ["no checkpoint could be written"]


def test_saving_changes_nothing(tmp_path: Path) -> None:
    """The same weights, optimizer and random numbers with a checkpoint after every batch and without any."""
    plain, saving = Run(None).fit(), Run(tmp_path / "checkpoints", every=1, minutes=1e-9, best="loss").fit()
    assert bits(plain.learn.model.state_dict()) == bits(saving.learn.model.state_dict())
    assert bits(plain.learn.opt.state_dict()) == bits(saving.learn.opt.state_dict())
    assert len([fact for fact in saving.of(ev.Saved) if fact.why == "time"]) > 12


def test_a_fit_without_an_optimizer(tmp_path: Path) -> None:
    from miniai.callbacks.checkpoint import CheckpointCB
    from miniai.callbacks.resume import ResumeCB

    def learner(*cbs: Any) -> Learner:
        x = torch.arange(12.0).reshape(6, 2)
        dls = type("Dls", (), {"train": None, "valid": [(x, x[:, :1])] * 2})
        return Learner(nn.Linear(2, 1), dls, cbs=[TrainCB(), *cbs], opt_func=None)

    learner(CheckpointCB(bool, tmp_path)).fit(1, train=False)
    (name,) = checkpoint.names(tmp_path)
    learner(ResumeCB(tmp_path / name, checkpoint.read_state(tmp_path / name))).fit(1, train=False)
