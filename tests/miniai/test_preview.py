"""PreviewCB: the very batch, its very predictions, in few small files."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file
from torch import Tensor, nn

from miniai.callbacks.clock import TrainingClock
from miniai.callbacks.preview import PreviewCB, display_pixels
from miniai.callbacks.transform import BatchTransformCB
from miniai.learner import CancelBatchException, CancelFitException, FuncCB, Learner, TrainCB
from miniai.run.events import Alerted, Fact, PreviewSaved

Make = Callable[..., Learner]


class Rig:
    """A PreviewCB on a clock that goes by batches, and everything that it might have seen."""

    def __init__(self, folder: Path, batch: float = 0.3, **kwargs: Any) -> None:
        self.t, self.folder, self.batch = 0.0, folder, batch
        self.facts: list[Fact] = []
        kwargs = {"time": lambda: 0.0, **kwargs}
        self.cb = PreviewCB(self.facts.append, folder, lambda: self.t, TrainingClock(lambda: self.t), **kwargs)
        self.truth: dict[tuple[int, str], tuple[Any, Any, Any]] = {}
        self.spy = FuncCB(after_batch=self.after)

    def after(self, learn: Learner) -> None:
        self.t += self.batch
        phase = "train" if learn.training else "valid"
        xb, yb = learn.batch
        probs = np.exp(learn.preds.detach().double().numpy())
        self.truth[learn.steps, phase] = xb.numpy(), yb.numpy(), probs / probs.sum(1, keepdims=True)

    @property
    def saved(self) -> list[PreviewSaved]:
        return [fact for fact in self.facts if isinstance(fact, PreviewSaved)]

    def files(self) -> list[str]:
        return sorted(os.listdir(self.folder / "preview"))


def test_a_file_holds_the_very_batch(make_learner: Make, tmp_path: Path) -> None:
    rig = Rig(tmp_path, count=4, keep=10)
    make_learner([rig.cb, rig.spy]).fit(1)
    assert [(s.step, s.phase, s.count) for s in rig.saved] == [(1, "train", 4), (3, "train", 2), (3, "valid", 3)]
    for saved in rig.saved:
        assert saved.file == f"preview/{saved.step}-{saved.phase}.safetensors"
        content = load_file(tmp_path / saved.file)
        images, labels, probs = rig.truth[saved.step, saved.phase]
        np.testing.assert_array_equal(content["pixels"], np.round(images[:4] * 255).astype(np.uint8))
        np.testing.assert_array_equal(content["labels"], labels[:4])
        np.testing.assert_array_equal(content["predictions"], probs[:4].argmax(1))
        np.testing.assert_allclose(content["confidences"], probs[:4].max(1), rtol=1e-5)
        kinds = {name: str(array.dtype) for name, array in content.items()}
        assert kinds == {"pixels": "uint8", "labels": "int64", "predictions": "int64", "confidences": "float32"}


def test_about_once_a_second_and_the_last_are_kept(make_learner: Make, tmp_path: Path) -> None:
    rig = Rig(tmp_path, batch=0.3)
    learn = make_learner([rig.cb, rig.spy])
    learn.dls.train = learn.dls.train * 10
    learn.fit(1, valid=False)
    assert [s.step for s in rig.saved] == [1, 5, 9, 13, 17, 21, 25, 29, 30]
    assert rig.files() == ["25-train.safetensors", "29-train.safetensors", "30-train.safetensors"]


def test_what_an_earlier_process_left_goes_too(make_learner: Make, tmp_path: Path) -> None:
    folder = tmp_path / "preview"
    folder.mkdir()
    for at, name in enumerate(["8-train", "9-valid", "10-train", "7-worst", "11-train"]):
        (folder / f"{name}.safetensors").write_bytes(b"old")
        os.utime(folder / f"{name}.safetensors", (at, at))
    (folder / "12-train.safetensors.part").write_bytes(b"torn by a kill")
    (folder / "notes.txt").write_bytes(b"somebody's own")
    rig = Rig(tmp_path, keep=4)
    make_learner([rig.cb, rig.spy]).fit(1)
    new = [Path(saved.file).name for saved in rig.saved]
    assert len(new) == 3
    assert rig.files() == sorted([*new, "11-train.safetensors", "7-worst.safetensors", "notes.txt"])


def test_short_halves_are_not_all_saved_but_the_last_is(make_learner: Make, tmp_path: Path) -> None:
    """A preview that costs 10 ms may come again after two seconds; an edge is no excuse."""
    ticks = iter(range(1, 10_000))
    rig = Rig(tmp_path, batch=0.05, time=lambda: 0.0025 * next(ticks), keep=100)
    learn = make_learner([rig.cb, rig.spy])
    learn.fit(20)
    assert len(rig.saved) <= 20 * 5 * 0.05 / 1.0 + 3
    assert (rig.saved[-1].step, rig.saved[-1].phase) == (60, "valid")


def test_a_cancelled_batch_is_not_shown(make_learner: Make, tmp_path: Path) -> None:
    def cancel(learn: Learner) -> None:
        if learn.iter == 2:
            raise CancelBatchException

    rig = Rig(tmp_path)
    make_learner([rig.cb, rig.spy, FuncCB(before_batch=cancel, order=-100)]).fit(1, valid=False)
    assert [s.step for s in rig.saved] == [1, 2]
    rig = Rig(tmp_path)
    make_learner([rig.cb, rig.spy, FuncCB(after_loss=cancel)]).fit(1, valid=False)
    assert [s.step for s in rig.saved] == [1]
    assert rig.cb._last is None


def test_a_stop_saves_the_last_batch(make_learner: Make, tmp_path: Path) -> None:
    def stop(learn: Learner) -> None:
        if learn.iter == 1:
            raise CancelFitException

    rig = Rig(tmp_path)
    make_learner([rig.cb, rig.spy, FuncCB(after_batch=stop, order=1000)]).fit(1)
    assert [s.step for s in rig.saved] == [1, 2]


@pytest.mark.parametrize("what", ["regression", "flat", "onehot", "dictionary", "single"])
def test_nothing_where_there_are_no_images_of_classes(tmp_path: Path, what: str) -> None:
    x = torch.rand(4, 1, 2, 2)
    batches: dict[str, Any] = {
        "regression": (x, torch.rand(4)),
        "flat": (x.flatten(1), torch.zeros(4, dtype=torch.long)),
        "onehot": (x, torch.eye(4)),
        "dictionary": {"x": x},
        "single": (x,),
    }
    cb = Rig(tmp_path)
    steps = FuncCB(predict=lambda learn: setattr(learn, "preds", torch.rand(4, 3)), get_loss=lambda learn: None)
    learn = Learner(nn.Linear(1, 1), SimpleNamespace(valid=[batches[what]]), cbs=[steps, cb.cb])
    learn.fit(1, train=False)
    assert cb.facts == []
    assert not (tmp_path / "preview").exists()


def test_several_inputs_find_their_labels(tmp_path: Path) -> None:
    class Two(nn.Module):
        def forward(self, a: Tensor, b: Tensor) -> Tensor:
            return torch.stack([a.mean((1, 2, 3)), b], 1)

    rig = Rig(tmp_path)
    batch = torch.rand(3, 1, 2, 2), torch.rand(3), torch.tensor([1, 0, 1])
    learn = Learner(Two(), SimpleNamespace(valid=[batch]), nn.functional.cross_entropy, cbs=[TrainCB(2), rig.cb])
    learn.opt_func = None
    learn.fit(1, train=False)
    assert load_file(tmp_path / rig.saved[0].file)["labels"].tolist() == [1, 0, 1]


def test_a_full_disk_is_said_once_and_training_goes_on(
    make_learner: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    rig = Rig(tmp_path, batch=2.0)
    learn = make_learner([rig.cb, rig.spy])
    learn.fit(2)
    assert learn.steps == 6
    (alert,) = rig.facts
    assert isinstance(alert, Alerted)
    assert alert.topic == "preview"
    assert "No space left" in alert.text
    assert rig.files() == []


def test_a_copy_that_lags(make_learner: Make, tmp_path: Path) -> None:
    class Late:
        def __init__(self, tensor: Tensor) -> None:
            self.tensor, self.asked = tensor, 0

        def ready(self) -> bool:
            self.asked += 1
            return self.asked > 1

        def read(self) -> Tensor:
            return self.tensor

    rig = Rig(tmp_path, copy=Late, keep=10)
    counts: list[int] = []
    learn = make_learner([rig.cb, rig.spy, FuncCB(after_batch=lambda learn: counts.append(len(rig.saved)), order=1000)])
    learn.fit(1, valid=False)
    assert counts[0] == 0
    assert [s.step for s in rig.saved] == [1, 3]
    content = load_file(tmp_path / rig.saved[0].file)
    np.testing.assert_array_equal(content["labels"], rig.truth[1, "train"][1])


@given(st.floats(-3, 3), st.floats(-3, 3), st.integers(0, 1000))
def test_pixels_fill_the_range_in_order(low: float, high: float, seed: int) -> None:
    g = torch.Generator().manual_seed(seed)
    images = low + (high - low) * torch.rand(2, 1, 3, 3, generator=g)
    pixels = display_pixels(images)
    assert pixels.dtype == torch.uint8
    order = images.flatten().argsort()
    assert (pixels.flatten()[order].int().diff() >= 0).all()
    inside = bool((images >= 0).all() and (images <= 1).all())
    if inside:
        assert torch.equal(pixels, (images * 255).round().to(torch.uint8))
    elif float(images.max() - images.min()) > 1e-3:
        assert (int(pixels.min()), int(pixels.max())) == (0, 255)


def test_pixels_of_odd_images() -> None:
    assert display_pixels(torch.full((1, 1, 1, 1), float("nan"))).tolist() == [[[[0]]]]
    whole = torch.arange(4, dtype=torch.uint8).reshape(1, 1, 2, 2)
    assert torch.equal(display_pixels(whole), whole)
    assert display_pixels(torch.full((1, 1, 1, 2), 7.0)).tolist() == [[[[0, 0]]]]


@pytest.mark.parametrize("in_place", [False, True])
def test_a_batch_that_is_transformed_is_shown_before_and_after(
    make_learner: Make, tmp_path: Path, in_place: bool
) -> None:
    def darker(batch: Any) -> Any:
        images, labels = batch
        if in_place:
            images.mul_(0.5)
        return (images if in_place else images * 0.5), labels

    rig = Rig(tmp_path, count=4, keep=10)
    learn = make_learner([rig.cb, rig.spy, BatchTransformCB(darker, on_val=False)])
    learn.dls.train = [(x.clone(), y) for x, y in learn.dls.train]
    first = learn.dls.train[0][0].clone()
    learn.fit(1)
    held = load_file(tmp_path / "preview/1-train.safetensors")
    np.testing.assert_array_equal(held["before"], np.round(first[:4].numpy() * 255).astype(np.uint8))
    np.testing.assert_allclose(held["pixels"], held["before"] / 2, atol=1)
    assert "before" not in load_file(tmp_path / "preview/3-valid.safetensors")
