"""ProgressCB: what it draws through fastprogress, what it keeps, and that it gives everything back."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from miniai.callbacks import progress
from miniai.callbacks.drain import Drain
from miniai.errors import MiniaiError
from miniai.learner import (
    CancelBatchException,
    CancelEpochException,
    CancelFitException,
    FuncCB,
    Learner,
    MetricsCB,
    ProgressCB,
)
from miniai.metrics import Accuracy

Make = Callable[..., Learner]


class Bar:
    """A bar of fastprogress that notes what is done with it."""

    def __init__(self, said: list[str], name: str, total: Any) -> None:
        self.said, self.name, self.comment, self.rows = said, name, "", list[list[str]]()
        self.graphs: list[Any] = []
        said.append(f"{name} of {total}")

    def update(self, value: int) -> None:
        self.said.append(f"{self.name} {value} {self.comment}".strip())

    def write(self, line: list[str], table: bool = False) -> None:
        assert table
        assert all(isinstance(cell, str) for cell in line)
        self.rows.append(line)

    def update_graph(self, graphs: Any) -> None:
        self.graphs.append(graphs)

    def on_iter_end(self) -> None:
        self.said.append(f"{self.name} ended")

    def on_interrupt(self) -> None:
        self.said.append(f"{self.name} interrupted")


class Library:
    """Stands in for fastprogress."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.master: Any = None

    def master_bar(self, gen: Any, total: Any) -> Bar:
        bar = self.master = Bar(self.said, "epochs", total)
        return bar

    def progress_bar(self, gen: Any, total: Any, leave: bool, parent: Bar) -> Bar:
        assert parent is self.master
        return Bar(self.said, "batches", total)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    made = Library()
    monkeypatch.setitem(sys.modules, "fastprogress", made)
    monkeypatch.setattr(progress, "LOOK", 0.0)
    monkeypatch.setattr(progress, "DRAW", 0.0)
    return made


def test_rows_bars_and_losses(make_learner: Make, library: Library) -> None:
    cb, losses, rows = ProgressCB(), list[float](), list[Any]()
    spy = FuncCB(after_batch=lambda learn: losses.append(learn.loss.item()) if learn.training else None)
    metrics = MetricsCB(accuracy=Accuracy())
    learn = make_learner([cb, metrics, spy])
    learn.fit(2)
    header, *lines = library.master.rows
    assert header == ["accuracy", "loss", "epoch", "train"]
    assert [line[2:] for line in lines] == [["0", "train"], ["0", "eval"], ["1", "train"], ["1", "eval"]]
    assert cb.losses == pytest.approx(losses)
    assert [f"{loss:.3f}" for loss in cb.val_losses] == [lines[1][1], lines[3][1]]
    shown = [f"{loss:.3f}" for loss in losses]
    assert library.said[:7] == [
        "epochs of 2", "epochs 0", "batches of 3", "batches 0",
        f"batches 1 {shown[0]}", f"batches 2 {shown[1]}", f"batches 3 {shown[2]}",
    ]  # fmt: skip
    assert library.said[7:10] == ["batches ended", "batches of 2", "batches 0"]
    assert library.said.count("epochs 1") == 1
    assert library.said[-1] == "epochs ended"
    assert "_log" not in vars(metrics)
    metrics._log = rows.append  # type: ignore[method-assign,assignment]
    learn.fit(1)
    assert metrics._log == rows.append
    assert rows == []


def test_without_metrics_and_without_epochs(make_learner: Make, library: Library) -> None:
    cb = ProgressCB()
    learn = make_learner([cb])
    learn.fit(1)
    assert library.master.rows == []
    assert len(cb.losses) == 3
    learn.fit(0)
    assert library.said[-2:] == ["epochs of 0", "epochs ended"]
    assert cb.losses == []


@pytest.mark.parametrize(
    "hook", ["before_fit", "before_epoch", "before_batch", "after_loss", "after_batch", "after_fit"]
)
@pytest.mark.parametrize("error", [CancelFitException, CancelEpochException, ZeroDivisionError])
def test_clean_after_every_end(make_learner: Make, library: Library, raiser: Any, hook: str, error: Any) -> None:
    cb, metrics = ProgressCB(), MetricsCB()
    learn = make_learner([metrics, cb, raiser(hook, error())])
    try:
        learn.fit(1)
    except (ZeroDivisionError, CancelEpochException):
        assert error is ZeroDivisionError or hook.endswith("_fit")
    assert "_log" not in vars(metrics)
    assert cb.mbar is None
    in_epoch = error is CancelEpochException and not hook.endswith("_fit")
    started = bool(library.said)
    assert library.said[-1:] == [f"epochs {'ended' if in_epoch else 'interrupted'}"] * started
    bars = [line for line in library.said if line.startswith("batches of")]
    ends = [line for line in library.said if line in ("batches ended", "batches interrupted")]
    assert len(bars) == len(ends)


def test_skipped_batches_count_in_the_bar(make_learner: Make, library: Library) -> None:
    def skip(learn: Learner) -> None:
        raise CancelBatchException

    cb = ProgressCB()
    make_learner([cb, FuncCB(before_batch=skip)]).fit(1, valid=False)
    assert "batches 3" in library.said
    assert cb.losses == []


def test_loaders_and_epochs_without_a_length(make_learner: Make, library: Library) -> None:
    learn = make_learner([ProgressCB(), FuncCB(before_fit=lambda learn: setattr(learn, "epochs", iter([7])))])
    learn.dls.train = iter(learn.dls.train)
    learn.dls.valid = torch.utils.data.DataLoader(Endless(), batch_size=None)
    learn.fit(1)
    assert library.said[0] == "epochs of 1"
    assert library.said.count("batches of noinfer") == 2


class Endless(torch.utils.data.IterableDataset[tuple[Tensor, Tensor]]):
    def __iter__(self) -> Any:
        yield torch.rand(2, 1, 4, 4), torch.zeros(2, dtype=torch.long)


def test_graphs_only_when_asked_for(make_learner: Make, library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "POINTS", 2)
    cb = ProgressCB(plot=True)
    make_learner([cb]).fit(1)
    assert library.master.graphs[-1] == [[[1, 3], [cb.losses[0], cb.losses[2]]], [[3], cb.val_losses]]
    make_learner([ProgressCB()]).fit(1)
    assert library.master.graphs == []


def test_plot_losses(make_learner: Make, library: Library) -> None:
    from matplotlib.figure import Figure

    cb = ProgressCB()
    make_learner([cb]).fit(2)
    ax = cb.plot_losses(Figure().subplots())
    train, valid = ax.lines
    assert list(train.get_ydata()) == cb.losses
    assert list(valid.get_xdata()) == [3, 6]
    assert list(valid.get_ydata()) == cb.val_losses
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    pyplot.close(cb.plot_losses().figure)


def test_waits_for_no_device_in_a_batch(make_learner: Make, library: Library, late: type[Any]) -> None:
    cb = ProgressCB()
    cb._drain = Drain(copy=late)
    waits: list[int] = []
    make_learner([cb, FuncCB(after_batch=lambda learn: waits.append(late.waited), order=5)]).fit(1, valid=False)
    assert waits == [0, 0, 0]
    assert len(cb.losses) == 3


@pytest.mark.parametrize("training", [True, False])
def test_what_a_failed_device_has_kept_joins_no_later_fit(
    make_learner: Make, library: Library, late: type[Any], training: bool
) -> None:
    def fail(copy: Any) -> Tensor:
        raise RuntimeError("the device is gone")

    def lose(learn: Learner) -> None:
        if learn.training == training:
            broken.setattr(late, "ready", lambda copy: False)
            broken.setattr(late, "read", fail)

    cb = ProgressCB()
    cb._drain = Drain(copy=late)
    learn = make_learner([cb])
    with pytest.MonkeyPatch.context() as broken, pytest.raises(RuntimeError, match="device is gone"):
        learn.fit(1, cbs=FuncCB(after_predict=lose))
    learn.fit(1)
    assert (len(cb.losses), len(cb.val_losses)) == (3, 1)


def test_in_a_plain_console(make_learner: Make, capsys: pytest.CaptureFixture[str]) -> None:
    """With fastprogress itself."""
    make_learner([ProgressCB(plot=True), MetricsCB(accuracy=Accuracy())]).fit(2)
    out = capsys.readouterr().out
    assert "Epoch 2/2" in out
    assert "[3/3" in out
    lines = [line.split() for line in out.replace("\r", "\n").splitlines()]
    assert ["accuracy", "loss", "epoch", "train"] in lines
    assert [line[2:] for line in lines if line[3:] in (["train"], ["eval"]) and line[0] != "accuracy"] == [
        ["0", "train"], ["0", "eval"], ["1", "train"], ["1", "eval"],
    ]  # fmt: skip


def test_in_a_notebook(make_learner: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """With fastprogress's own bars for notebooks, and a page that keeps what is shown."""
    import fastprogress
    from fastprogress import fastprogress as bars

    page: list[str] = []
    handle = SimpleNamespace(update=lambda html: page.append(str(html)), display=lambda html: page.append(str(html)))

    def display(html: Any, display_id: bool = False) -> Any:
        page.append(str(html))
        return handle if display_id else None

    monkeypatch.setattr(bars, "display", display, raising=False)
    monkeypatch.setattr(bars, "HTML", str, raising=False)
    monkeypatch.setattr(fastprogress, "master_bar", bars.NBMasterBar)
    monkeypatch.setattr(fastprogress, "progress_bar", bars.NBProgressBar)
    make_learner([ProgressCB(), MetricsCB(accuracy=Accuracy())]).fit(1)
    table = next(html for html in reversed(page) if "<table" in html)
    assert [f"<th>{name}</th>" in table for name in ("accuracy", "loss", "epoch", "train")] == [True] * 4
    assert "<td>eval</td>" in table


@pytest.mark.parametrize(("module", "plot"), [("fastprogress", False), ("matplotlib.pyplot", True)])
def test_what_is_missing_is_named(make_learner: Make, monkeypatch: pytest.MonkeyPatch, module: str, plot: bool) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MiniaiError, match=rf"{module} .*miniai-tui\[notebook\]"):
        make_learner([ProgressCB(plot=plot), MetricsCB()]).fit(1)
