"""Finding a learning rate: the curve, the suggestion, and that nothing is left behind."""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn, optim
from torch.nn import functional as F
from torch.optim.lr_scheduler import OneCycleLR

from miniai.callbacks.lr_find import steepest
from miniai.errors import LearnerError
from miniai.learner import FuncCB, Learner, LRFinderCB, MetricsCB, TrainCB
from miniai.loader import MemoryLoader
from miniai.looking import lr_find
from miniai.sgd import BatchSchedCB

Make = Callable[..., Learner]


class Hidden(nn.Module):
    """Has a buffer that is no part of the state, and one that is."""

    calls: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.bn, self.lin = nn.BatchNorm1d(4), nn.Linear(4, 3)
        self.register_buffer("calls", torch.zeros(()), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        self.calls = self.calls + 1
        out: Tensor = self.lin(self.bn(x))
        return out


def learner(**kwargs: Any) -> Learner:
    """A classifier that can learn: the class of a point is its largest part."""
    torch.manual_seed(0)
    x = torch.rand(256, 4)
    y = x[:, :3].argmax(1)
    dls = SimpleNamespace(train=MemoryLoader(x, y, 32, shuffle=True), valid=MemoryLoader(x, y, 64))
    return Learner(Hidden(), dls, F.cross_entropy, lr=0.2, cbs=[TrainCB()], **kwargs)


def everything(learn: Learner) -> list[Any]:
    """All that a trial must leave alone."""
    tensors = [*learn.model.parameters(), *learn.model.buffers()]
    grads = [None if p.grad is None else p.grad.clone() for p in learn.model.parameters()]
    modes = [module.training for module in learn.model.modules()]
    state = learn.opt.state_dict() if learn.opt is not None else None
    randoms = [torch.get_rng_state(), random.getstate(), str(np.random.get_state())]
    return copy.deepcopy([[t.detach() for t in tensors], grads, modes, state, randoms, learn.lr, learn.steps])


def same(a: Any, b: Any) -> bool:
    if isinstance(a, Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


def adam(params: Any, lr: float) -> optim.Optimizer:
    return optim.Adam(params, lr)


@pytest.mark.parametrize("opt_func", [adam, None], ids=["new", "kept"])
@pytest.mark.parametrize("fails", [None, "after_backward", "before_batch", "before_fit", "cleanup_fit"])
def test_everything_is_as_before(opt_func: Any, fails: str | None) -> None:
    learn = learner(opt_func=opt_func)
    learn.opt = adam(learn.model.parameters(), 0.01)
    learn.fit(1)
    next(learn.model.children()).eval()
    for p in learn.model.parameters():
        p.grad = torch.ones_like(p)
    before, opt = everything(learn), learn.opt

    def fail(learn: Learner) -> None:
        if fails in ("before_fit", "cleanup_fit") or learn.iter == 3:
            raise ZeroDivisionError

    if fails:
        hooks: dict[str, Any] = {fails: fail}
        with pytest.raises(ZeroDivisionError):
            lr_find(learn, cbs=FuncCB(**hooks))
    else:
        finder = lr_find(learn)
        assert finder.lrs[:2] == pytest.approx([1e-5, 1.3e-5])
        assert len(finder.lrs) > 10
    assert same(everything(learn), before)
    assert learn.opt is opt


def test_training_goes_on_as_if_it_had_not_been() -> None:
    one, other = learner(), learner()
    other.lr_find()
    torch.manual_seed(5)
    one.fit(2)
    torch.manual_seed(5)
    other.fit(2)
    assert same(list(one.model.state_dict().values()), list(other.model.state_dict().values()))


def test_loaders_with_a_generator_of_their_own() -> None:
    learn, g = learner(), torch.Generator().manual_seed(3)
    data = torch.utils.data.TensorDataset(torch.rand(40, 4), torch.zeros(40, dtype=torch.long))
    learn.dls.train = torch.utils.data.DataLoader(data, 8, shuffle=True, generator=g)
    before = g.get_state()
    learn.lr_find(max_epochs=2)
    assert torch.equal(g.get_state(), before)


def test_rates_grow_and_losses_are_those_of_training() -> None:
    """The same curve from a loop by hand."""
    learn = learner()
    learn.cbs.append(MetricsCB())
    model, state = copy.deepcopy(learn.model), torch.get_rng_state()
    finder = learn.lr_find(gamma=1.5, start_lr=1e-3, max_epochs=1)
    torch.set_rng_state(state)
    opt = optim.SGD(model.parameters(), 1e-3)
    lrs, losses = [], []
    for i, (xb, yb) in enumerate(learn.dls.train):
        lrs.append(1e-3 * 1.5**i)
        opt.param_groups[0]["lr"] = lrs[-1]
        loss = F.cross_entropy(model(xb), yb)
        loss.backward()  # type: ignore[no-untyped-call]
        opt.step()
        opt.zero_grad()
        losses.append(loss.item())
    assert finder.lrs == pytest.approx(lrs)
    assert finder.losses == pytest.approx(losses)


def scripted(losses: list[float], **kwargs: Any) -> LRFinderCB:
    """A fit whose losses are given, at most two epochs long."""
    learn = learner()
    values = iter(losses)
    learn.loss_func = lambda preds, yb: preds.mean() * 0 + next(values)
    finder = LRFinderCB(**kwargs)
    learn.fit(2, cbs=finder)
    return finder


@pytest.mark.parametrize(
    ("losses", "kept"),
    [
        ([2.0, 1.0, 2.9, 3.1, 1.0], 4),
        ([2.0, 1.0, math.nan, 1.0], 3),
        ([math.inf, 1.0], 1),
        ([-1.0, -2.0, 1.9, 2.1, 0.0], 4),
        ([1.0] * 16, 16),
    ],
)
def test_stops_when_the_loss_diverges(losses: list[float], kept: int) -> None:
    finder = scripted(losses)
    assert len(finder.losses) == len(finder.lrs) == kept
    assert finder.losses == pytest.approx(losses[:kept], nan_ok=True)


def test_other_multiples_and_wrong_ones() -> None:
    assert len(scripted([1.0, 1.4, 1.6, 1.0], max_mult=1.5).losses) == 3
    for wrong in ({"gamma": 1.0}, {"max_mult": 0.5}):
        with pytest.raises(LearnerError, match="above 1"):
            LRFinderCB(**wrong)


def test_several_groups_keep_their_ratio() -> None:
    def two(params: Any, lr: float) -> optim.SGD:
        first, *rest = params
        return optim.SGD([{"params": [first], "lr": lr}, {"params": rest, "lr": lr / 10}])

    seen: list[tuple[float, ...]] = []
    learn = learner(opt_func=two)
    learn.cbs.append(FuncCB(after_backward=lambda learn: seen.append(tuple(g["lr"] for g in learn.opt.param_groups))))
    finder = learn.lr_find(max_epochs=1)
    assert [a for a, _ in seen] == finder.lrs
    assert [b for _, b in seen] == pytest.approx([lr / 10 for lr in finder.lrs])
    assert finder.lrs[0] == 1e-5
    learn.opt, learn.opt_func = two(list(learn.model.parameters()), 3.0), None
    seen.clear()
    finder = lr_find(learn, max_epochs=1)
    assert finder.lrs[0] == pytest.approx(1e-5)
    assert [b for _, b in seen] == pytest.approx([a / 10 for a, _ in seen])


def test_a_schedule_does_not_interfere() -> None:
    learn = learner()
    learn.cbs.append(BatchSchedCB(lambda opt: OneCycleLR(opt, max_lr=9.0, total_steps=200)))
    finder = learn.lr_find(max_epochs=1)
    assert finder.lrs == pytest.approx([1e-5 * 1.3**i for i in range(8)])


def test_the_finder_has_the_last_word_on_a_rate_and_on_what_is_put_back() -> None:
    """Whatever else sets rates before a batch, or leaves something when the fit ends."""
    learn = learner()
    before = copy.deepcopy(learn.model.state_dict())

    def meddle(learn: Learner) -> None:
        learn.opt.param_groups[0]["lr"] = 7.0

    def spoil(learn: Learner) -> None:
        with torch.no_grad():
            next(learn.model.parameters()).fill_(3.0)

    others = [FuncCB(before_batch=meddle, order=99), FuncCB(cleanup_fit=spoil, order=500)]
    finder = lr_find(learn, max_epochs=1, cbs=others)
    assert finder.lrs == pytest.approx([1e-5 * 1.3**i for i in range(8)])
    assert same(learn.model.state_dict(), before)


def test_an_optimizer_without_groups_is_refused() -> None:
    learn = learner(opt_func=lambda params, lr: SimpleNamespace(step=lambda: None, zero_grad=lambda: None))
    with pytest.raises(LearnerError, match="param_groups"):
        learn.lr_find()


@given(st.floats(-4, -0.5), st.integers(40, 120))
def test_the_steepest_point_of_a_smooth_curve(centre: float, n: int) -> None:
    """A sigmoid in the logarithm of the rate is steepest at its centre."""
    lrs = np.logspace(-6, 1, n)
    losses = 1 / (1 + np.exp(4 * (np.log10(lrs) - centre))) + 0.5
    found = steepest(lrs.tolist(), losses.tolist())
    assert found is not None
    assert abs(math.log10(found) - centre) <= 7 / n + 0.05


def test_curves_without_a_suggestion() -> None:
    assert steepest([], []) is None
    assert steepest([1.0, 2.0, 4.0, 8.0], [4.0, 3.0, 2.0, 1.0]) is None
    assert steepest([1.0, 2.0, 4.0, 8.0, 16.0], [1.0, 2.0, 3.0, 4.0, 5.0]) is None


def test_what_is_not_finite_and_what_is_too_close_to_the_lowest_point() -> None:
    lrs = [2.0**i for i in range(12)]
    slow = [4.0, 4.0, 4.0, 3.0, 2.0, 2.0, 1.9, 1.8, 1.7, 1.6, 2.0]
    assert steepest(lrs, [*slow, math.nan]) == steepest(lrs[:-1], slow) in (lrs[3], lrs[4])
    late = [4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 1.0, 1.0]
    assert steepest(lrs, late) == lrs[11] / 3


def test_the_suggestion_trains() -> None:
    learn = learner()
    finder = learn.lr_find()
    assert finder.suggestion is not None
    assert 1e-3 < finder.suggestion < finder.lrs[-1]
    metrics = MetricsCB()
    metrics.quiet = True
    first: list[float] = []
    spy = FuncCB(after_epoch=lambda learn: first.append(metrics.values()["loss"]), order=1)
    learn.fit(10, valid=False, lr=finder.suggestion, cbs=[metrics, spy])
    assert first[-1] < 0.7 * first[0]


def test_plot_and_what_a_notebook_shows() -> None:
    from matplotlib.figure import Figure

    finder = learner().lr_find()
    ax = finder.plot(Figure().subplots())
    assert ax.get_xscale() == "log"
    assert list(ax.lines[0].get_xdata()) == finder.lrs
    assert list(ax.lines[0].get_ydata()) == finder.losses
    assert ax.lines[1].get_xdata()[0] == finder.suggestion
    assert finder._repr_png_().startswith(b"\x89PNG")


def test_plot_makes_axes_of_its_own_and_draws_no_line_without_a_suggestion() -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    ax = scripted([1.0, 9.0]).plot()
    assert len(ax.lines) == 1
    pyplot.close(ax.figure)


def test_validation_is_skipped() -> None:
    learn, halves = learner(), list[bool]()
    spy = FuncCB(after_batch=lambda learn: halves.append(learn.training))
    learn.fit(2, cbs=[LRFinderCB(gamma=1.01), spy], lr=1e-4)
    assert halves == [True] * 16
