"""A Learner, and `fit --from-scratch`, on parts written by hand: what they give on torch's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional as F

import miniai.scratch
from miniai import models
from miniai.callbacks.layers import LayerStatsCB, measured_layers
from miniai.catalog import ImageData
from miniai.config import RunConfig, check
from miniai.datasets import DataLoaders
from miniai.errors import UsageError
from miniai.fitting import Fitting
from miniai.hooks import HooksCallback
from miniai.learner import (
    Callback,
    CancelBatchException,
    CancelFitException,
    DeviceCB,
    FuncCB,
    Learner,
    MetricsCB,
    MomentumLearner,
    TrainCB,
    TrainLearner,
)
from miniai.loader import MemoryLoader
from miniai.metrics import Accuracy
from miniai.run import events as ev
from miniai.run.control import RunControl
from miniai.run.directory import create_run
from miniai.run.reporter import Reporter
from miniai.scratch import SGD, image_loader, mlp
from miniai.tta import tta
from tui import cli, options


def images(n: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Images (n, 1, 4, 4) whose class, of four, is their bright row."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randint(0, 128, (n, 1, 4, 4), dtype=torch.uint8, generator=generator)
    y = torch.randint(4, (n,), generator=generator)
    x[torch.arange(n), :, y] += 100
    return x, y


TRAIN, VALID = images(150, 1), images(60, 2)


def learner(by_hand: bool, *cbs: Callback, cls: type[Learner] = Learner) -> Learner:
    torch.manual_seed(11)
    model: Any = mlp((1, 4, 4), 4) if by_hand else models.build("mlp", (1, 4, 4), 4)
    load: Any = image_loader if by_hand else MemoryLoader
    dls = DataLoaders(load(*TRAIN, 32, shuffle=True), load(*VALID, 64))
    opt: Any = SGD if by_hand else torch.optim.SGD
    steps = [TrainCB()] if cls is Learner else []
    return cls(model, dls, F.cross_entropy, 0.2, [*steps, DeviceCB("cpu"), *cbs], opt)


@pytest.mark.parametrize("cls", [Learner, TrainLearner, MomentumLearner])
def test_a_learner_gives_the_same_losses_metrics_and_weights(cls: type[Learner]) -> None:
    losses: list[list[float]] = []
    rows: list[list[float]] = []
    weights = []
    for by_hand in (True, False):
        noted: list[float] = []
        metrics = MetricsCB(accuracy=Accuracy())
        metrics.quiet = True
        ends: list[float] = []

        def note(learn: Learner, noted: list[float] = noted) -> None:
            noted.append(learn.loss.item())

        def end(_learn: Learner, metrics: MetricsCB = metrics, ends: list[float] = ends) -> None:
            ends.extend(metrics.values().values())

        learn = learner(by_hand, metrics, FuncCB(after_loss=note, after_epoch=end), cls=cls)
        learn.fit(6)
        losses.append(noted)
        rows.append(ends)
        weights.append(learn.model.state_dict())
    assert losses[0] == pytest.approx(losses[1], rel=1e-4, abs=1e-6)
    assert rows[0] == pytest.approx(rows[1], rel=1e-4)
    assert losses[0][-1] < losses[0][0] * 0.7
    assert list(weights[0]) == list(weights[1])
    for name, tensor in weights[1].items():
        torch.testing.assert_close(weights[0][name], tensor, rtol=1e-4, atol=1e-5)


def test_the_layers_are_the_same_and_their_statistics_too() -> None:
    heard: list[list[ev.Fact]] = []
    for by_hand in (True, False):
        heard.append([])
        cb = LayerStatsCB(heard[-1].append, every=1)
        learn = learner(by_hand, cb)
        learn.fit(1)
        assert [layer.name for layer in cb.layers] == ["1", "2", "3"]
        assert [layer.kind for layer, _ in measured_layers(learn.model)] == ["Linear", "ReLU", "Linear"]
        assert [layer.shape for layer in cb.layers] == ["16>50", "", "50>4"]
        assert all(not part._forward_hooks for part in learn.model.modules())
    ours, theirs = ([fact for fact in facts if isinstance(fact, ev.LayersMeasured)] for facts in heard)
    assert len(ours) == len(theirs) > 0
    for a, b in zip(ours, theirs, strict=True):
        assert a.step == b.step
        for column in ("means", "stds", "near_zero"):
            assert getattr(a, column) == pytest.approx(getattr(b, column), rel=1e-2, abs=1e-3)


@pytest.mark.parametrize("kind", [CancelBatchException, CancelFitException, ZeroDivisionError])
def test_a_cancel_leaves_no_hook_and_no_gradient(kind: type[BaseException]) -> None:
    calls: list[Any] = []
    cb = HooksCallback(lambda hook, module, inputs, output: calls.append(type(module).__name__))

    def raise_once(learn: Learner) -> None:
        if learn.iter == 1:
            raise kind

    learn = learner(True, cb, FuncCB(after_backward=raise_once))
    try:
        learn.fit(1)
    except ZeroDivisionError:
        assert kind is ZeroDivisionError
    assert calls[:3] == ["Linear", "ReLU", "Linear"]
    assert all(not part._forward_hooks for part in learn.model.modules())
    assert all(p.grad is None for p in learn.model.parameters())


def fitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, from_scratch: bool) -> tuple[Fitting, list[Any]]:
    data = ImageData("rows", "made here", False, *TRAIN, *VALID, classes=list("abcd"))
    monkeypatch.setattr(Fitting, "_load_data", lambda self: data)
    config = RunConfig(from_scratch=from_scratch, epochs=3, bs=32, device="cpu", stats_every=1)
    facts: list[Any] = []
    fitting = Fitting(create_run(tmp_path, config), config, RunControl(), Reporter([facts.append]))
    assert fitting.run() == "done"
    return fitting, facts


def test_a_run_from_scratch_tells_what_the_other_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, our_facts = fitted(tmp_path, monkeypatch, True)
    theirs, their_facts = fitted(tmp_path, monkeypatch, False)
    assert ours.learn is not None
    assert theirs.learn is not None
    for part in (ours.learn.model, ours.learn.opt, ours.learn.dls.train, ours.learn.dls.valid):
        assert type(part).__module__.startswith("miniai.scratch.")
    started = [next(f for f in facts if isinstance(f, ev.FitStarted)) for facts in (our_facts, their_facts)]
    for field in ("parameters", "batch_size", "train_batches", "valid_batches", "lr", "opt", "layers"):
        assert getattr(started[0], field) == getattr(started[1], field)
    values = [
        [v for f in facts if isinstance(f, ev.Scalars) and f.name == "loss" for v in f.values]
        for facts in (our_facts, their_facts)
    ]
    assert len(values[0]) == 15
    assert values[0] == pytest.approx(values[1], rel=1e-3)
    rows = [[f.metrics for f in facts if isinstance(f, ev.EpochEnded)] for facts in (our_facts, their_facts)]
    assert len(rows[0]) == 6
    for a, b in zip(*rows, strict=True):
        assert a == pytest.approx(b, rel=1e-3)


@pytest.mark.parametrize(
    ("options", "named"),
    [({"model": "conv"}, "--model conv"), ({"opt": "adam"}, "--opt adam"), ({"model": "conv", "opt": "sgd"}, "conv")],
)
def test_what_is_not_written_from_scratch_is_refused(
    options: dict[str, Any], named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = RunConfig(from_scratch=True, **options)
    with pytest.raises(UsageError, match=f"{named}.*goes with --model mlp and --opt sgd"):
        Fitting(create_run(tmp_path / "runs", config), config, RunControl(), Reporter([])).prepare()
    typed = [word for name, value in options.items() for word in (f"--{name}", value)]
    assert cli.main(["fit", "fashion", "--from-scratch", *typed, "--run-dir", str(tmp_path / "other")]) == 2
    assert named in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


def test_what_is_written_from_scratch_is_taken() -> None:
    for config in (RunConfig(from_scratch=True), RunConfig(from_scratch=True, opt="sgd"), RunConfig(model="conv")):
        check(config)
    typed = options.config(cli._parser().parse_args(["fit", "fashion", "--from-scratch", "--opt", "sgd"]))
    assert (typed.from_scratch, typed.given) == (True, ("dataset", "from_scratch", "opt"))


def test_every_public_name_is_there() -> None:
    assert dir(miniai.scratch) == sorted(miniai.scratch.__all__)
    for name in miniai.scratch.__all__:
        assert getattr(miniai.scratch, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        miniai.scratch.Nothing  # noqa: B018


def test_every_method_of_a_learner_works_on_parts_by_hand() -> None:
    """What looks, tries and measures gives what it gives on torch's."""
    learns, pairs = [], []
    for by_hand in (True, False):
        learn = learner(by_hand)
        learn.fit(1)
        learns.append(learn)
        pairs.append((learn.summary(), learn.lr_find(max_epochs=2), learn.capture_preds(inps=True), tta(learn)))
    ours, torchs = learns
    (table, finder, captured, mean), (other_table, other_finder, other_captured, other_mean) = pairs
    assert (table.params, table.trainable, table.macs) == (other_table.params, other_table.trainable, other_table.macs)
    own, others = ([layer[2:] for layer in t.layers if layer.macs] for t in (table, other_table))
    assert own == others  # of each linear layer: shapes, parameters, multiplications
    assert finder.lrs == other_finder.lrs
    assert finder.losses == pytest.approx(other_finder.losses)
    for a, b in zip((*captured, *mean), (*other_captured, *other_mean), strict=True):
        torch.testing.assert_close(a, b)
    ours.show_image_batch(2)
    pyplot = pytest.importorskip("matplotlib.pyplot")
    assert len(pyplot.gcf().axes) == 2
    pyplot.close()
    for a, b in zip(ours.model.parameters(), torchs.model.parameters(), strict=True):
        torch.testing.assert_close(a, b)  # afterwards, too
