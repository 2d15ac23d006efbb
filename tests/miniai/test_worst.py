"""WorstCB: the very images with the largest losses, and no others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from miniai.callbacks.clock import TrainingClock
from miniai.callbacks.worst import WorstCB
from miniai.learner import CancelEpochException, FuncCB, Learner
from miniai.run.events import Alerted, Fact, PreviewSaved

Make = Callable[..., Learner]


class Rig:
    """A WorstCB, and what was validated."""

    def __init__(self, folder: Path, count: int = 4, batch: float = 1.0, cost: float = 0.0) -> None:
        self.t, self.batch, self.work, self.cost, self.folder = 0.0, batch, 0.0, cost, folder
        self.facts: list[Fact] = []
        clock = TrainingClock(lambda: self.t)
        self.cb = WorstCB(self.facts.append, folder, lambda: self.t, clock, count=count, time=self.time)
        self.seen: list[tuple[Tensor, Tensor, Tensor]] = []
        self.spy = FuncCB(before_epoch=lambda learn: self.seen.clear(), after_batch=self.after)

    def time(self) -> float:
        self.work += self.cost
        return self.work

    def after(self, learn: Learner) -> None:
        self.t += self.batch
        if not learn.training:
            self.seen.append((*learn.batch, learn.preds.detach()))

    @property
    def saved(self) -> list[PreviewSaved]:
        return [fact for fact in self.facts if isinstance(fact, PreviewSaved)]


@pytest.mark.parametrize("count", [1, 4, 24])
def test_the_largest_losses_of_all_batches(make_learner: Make, tmp_path: Path, count: int) -> None:
    rig = Rig(tmp_path, count)
    learn = make_learner([rig.cb, rig.spy])
    learn.model = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))  # no two losses alike
    learn.fit(2)
    images, labels, preds = (torch.cat(parts) for parts in zip(*rig.seen, strict=True))
    losses = F.cross_entropy(preds, labels, reduction="none")
    order = losses.argsort(descending=True)[:count]
    saved = rig.saved[-1]
    assert (saved.kind, saved.step, saved.count, saved.complete) == ("worst", 6, min(count, 10), True)
    held = load_file(tmp_path / saved.file)
    np.testing.assert_allclose(held["losses"], losses[order].numpy(), rtol=1e-5)
    np.testing.assert_array_equal(held["labels"], labels[order].numpy())
    np.testing.assert_array_equal(held["predictions"], preds[order].argmax(1).numpy())
    np.testing.assert_allclose(held["confidences"], preds[order].softmax(1).amax(1).numpy(), rtol=1e-5)
    np.testing.assert_array_equal(held["pixels"], (images[order] * 255).round().numpy().astype(np.uint8))


def test_nan_comes_first_and_what_has_no_label_not_at_all(
    make_learner: Make, dls: SimpleNamespace, tmp_path: Path
) -> None:
    rig = Rig(tmp_path, 10)
    images, labels = (t.clone() for t in dls.valid[0])
    images[3], labels[5] = float("nan"), -100
    dls.valid = [(images, labels)]
    make_learner([rig.cb]).fit(1, train=False)
    held = load_file(tmp_path / rig.saved[-1].file)
    assert held["losses"][0] == np.inf
    assert len(held["losses"]) == len(labels) - 1


def test_a_half_that_was_cut_short_says_so_and_the_last_file_stays(make_learner: Make, tmp_path: Path) -> None:
    rig = Rig(tmp_path)

    def cancel(learn: Learner) -> None:
        if not learn.training and learn.iter == 1 and learn.epoch == 3:
            raise CancelEpochException

    make_learner([FuncCB(before_batch=cancel), rig.cb, rig.spy]).fit(4)
    assert [s.complete for s in rig.saved] == [True, True, True, False]
    assert len(list((tmp_path / "preview").iterdir())) == 2


def test_what_is_no_classification_of_images_saves_nothing(
    make_learner: Make, dls: SimpleNamespace, tmp_path: Path
) -> None:
    rig = Rig(tmp_path)
    dls.train = dls.valid = [(torch.rand(4, 16), torch.randint(0, 3, (4,)))] * 2
    learn = make_learner([rig.cb])
    learn.model = nn.Linear(16, 3)
    learn.fit(1)
    assert rig.facts == []


def test_short_halves_are_passed_over_but_not_the_last(make_learner: Make, tmp_path: Path) -> None:
    rig = Rig(tmp_path, batch=0.01, cost=0.01)
    make_learner([rig.cb, rig.spy]).fit(40)
    assert 3 <= len(rig.saved) <= 6
    assert rig.saved[-1].step == 120


def test_a_disk_that_refuses_is_said_once(make_learner: Make, tmp_path: Path) -> None:
    (tmp_path / "preview").write_text("not a folder")
    rig = Rig(tmp_path)
    learn = make_learner([rig.cb, rig.spy])
    learn.fit(3)
    assert learn.steps == 9
    (alert,) = rig.facts
    assert isinstance(alert, Alerted)
