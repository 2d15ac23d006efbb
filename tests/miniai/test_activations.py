"""Statistics of activations equal the course's definitions, computed here with numpy."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from miniai import activations
from miniai.activations import ActivationStats, append_stats, get_hist, get_min
from miniai.callbacks.clock import TrainingClock
from miniai.callbacks.cost import Stopwatch
from miniai.errors import UsageError
from miniai.learner import CancelBatchException, DeviceCB, FuncCB, Learner

Make = Callable[..., Learner]
INF, NAN = float("inf"), float("nan")


def of(*batches: Any) -> Any:
    """A hook's place that has seen these outputs."""
    hook: Any = SimpleNamespace()
    for batch in batches:
        append_stats(hook, nn.Identity(), (), torch.as_tensor(batch))
    return hook


def test_stats_of_a_fit_equal_numpy(make_learner: Make) -> None:
    outputs: list[Any] = []
    stats = ActivationStats(lambda m: isinstance(m, nn.ReLU))
    learn = make_learner([stats])
    learn.model[1].register_forward_hook(lambda m, i, o: outputs.append((learn.training, o.detach().numpy())))  # type: ignore[index]
    learn.fit(2)
    outputs = [o for training, o in outputs if training]
    (hook,) = stats
    means, stds, hists = hook.stats
    assert len(means) == len(stds) == len(hists) == len(outputs) == 6
    for mean, std, hist, out in zip(means, stds, hists, outputs, strict=True):
        assert float(mean) == pytest.approx(out.mean(), rel=1e-5)
        assert float(std) == pytest.approx(out.std(ddof=1), rel=1e-5)
        assert hist.tolist() == np.histogram(np.abs(out), 40, (0, 10))[0].tolist()
    truth = np.log1p(np.stack([np.histogram(np.abs(o), 40, (0, 10))[0] for o in outputs], 1))
    np.testing.assert_allclose(get_hist(hook), truth, rtol=1e-6)
    assert get_hist(hook).shape == (40, 6)
    np.testing.assert_allclose(get_min(hook), [(np.abs(o) < 0.25).mean() for o in outputs], rtol=1e-6)


def test_measuring_changes_no_bit(make_learner: Make) -> None:
    learn, plain = make_learner([ActivationStats()]), make_learner()
    learn.fit(2)
    plain.fit(2)
    for a, b in zip(learn.model.parameters(), plain.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_what_is_beyond_the_histogram_is_counted() -> None:
    hook = of([0.1, -0.2, 10.0, -10.5, 99.0, NAN, INF, -INF])
    assert hook.stats[2][0].sum() == 3
    assert hook.stats[2][0][39] == 1  # 10 itself is in the last bin
    assert hook.above[0] == 2
    assert hook.nonfinite[0] == 3
    assert get_min(hook).tolist() == [pytest.approx(2 / 8)]


def test_half_precision() -> None:
    hook = of(torch.tensor([1.0, 2.0, 3.0], dtype=torch.float16))
    assert float(hook.stats[1][0]) == 1.0
    assert hook.stats[2][0].sum() == 3


def test_outputs_in_several_parts() -> None:
    a, b = torch.rand(4), torch.rand(5)
    hook: Any = SimpleNamespace()
    for output in ((a, (b, b)), {"ids": torch.arange(3), "logits": b}, None, torch.arange(3)):
        append_stats(hook, nn.Identity(), (), output)
    assert [float(mean) for mean in hook.stats[0]] == pytest.approx([float(a.mean()), float(b.mean())])
    assert [int(hist.sum()) for hist in hook.stats[2]] == [4, 5]


def test_a_hook_that_saw_nothing() -> None:
    hook = of()
    assert get_hist(hook).shape == (40, 0)
    assert get_min(hook).shape == (0,)


def test_get_min_is_a_share_of_everything() -> None:
    hook = of([0.0, 0.2, 1.0, 11.0], [NAN, INF, 0.0, 0.0])
    assert get_min(hook).tolist() == [0.5, 0.5]


def test_get_min_is_not_known_where_nothing_is_finite() -> None:
    shares = get_min(of([NAN, INF, -INF, NAN], [11.0, 12.0, NAN, NAN], [0.0, NAN, NAN, NAN])).tolist()
    assert np.isnan(shares[0])
    assert shares[1:] == [0.0, 0.25]


def test_leaves_by_default_containers_on_request(make_learner: Make) -> None:
    stats = ActivationStats()
    assert len(stats) == 0
    learn = make_learner([stats])
    learn.fit(1)
    assert len(stats) == len(list(stats)) == 4
    assert [hook.label for hook in stats] == ["0 Conv2d", "1 ReLU", "2 Flatten", "3 Linear"]
    whole = ActivationStats(lambda module: isinstance(module, nn.Sequential))
    learn.fit(1, cbs=whole)
    assert [hook.label for hook in whole] == ["Sequential"]
    assert len(whole.hooks[0].stats[0]) == 3


def test_each_fit_begins_anew(make_learner: Make) -> None:
    stats = ActivationStats()
    learn = make_learner([stats])
    learn.fit(2)
    first = [list(hook.stats[0]) for hook in stats]
    learn.fit(1)
    assert stats.steps == [7, 8, 9]
    assert [len(hook.stats[0]) for hook in stats] == [3] * 4
    assert [len(means) for means in first] == [6] * 4


def test_every_kth_batch(make_learner: Make) -> None:
    stats, all_ = ActivationStats(every=4), ActivationStats()
    make_learner([stats, all_]).fit(3)
    assert stats.steps == [1, 5, 9]
    assert all_.steps == list(range(1, 10))
    for some, every in zip(stats, all_, strict=True):
        assert torch.equal(get_hist(some), get_hist(every)[:, ::4])
        assert some.stats[0] == every.stats[0][::4]


class Costly(Stopwatch):
    """A measurement costs what the test says."""

    def seconds(self) -> float:
        return 0.06


def test_a_budget_is_kept(make_learner: Make) -> None:
    """The first is a rehearsal; one that costs 0.06 s may come again 2 s after it, twenty batches of 0.1 s later."""
    seconds = 0.0

    def pass_(learn: Learner) -> None:
        nonlocal seconds
        seconds += 0.1 * learn.training

    stats = ActivationStats(budget=0.03, clock=TrainingClock(lambda: seconds), stopwatch=Costly())
    make_learner([stats, FuncCB(after_batch=pass_)]).fit(30)
    assert stats.steps[:2] == [1, 2]
    gaps = {b - a for a, b in pairwise(stats.steps[1:])}
    assert gaps <= {20, 21}
    assert len(stats.steps) in (5, 6)
    assert {len(hook.stats[0]) for hook in stats} == {len(stats.steps)}
    seconds += 100
    make_learner([stats]).fit(1)
    assert stats.steps == [1]  # what was spent in one fit is not free in the next


class Never:
    """A copy that does not arrive."""

    def __init__(self, tensor: Tensor) -> None:
        assert tensor.shape == ()

    def ready(self) -> bool:
        return False

    def read(self) -> Tensor:
        raise AssertionError("somebody waits")


def test_a_device_that_lags_is_not_waited_for(make_learner: Make, monkeypatch: pytest.MonkeyPatch, late: Any) -> None:
    stats = ActivationStats(budget=1.0)
    monkeypatch.setattr(activations, "start_copy", Never)
    make_learner([stats]).fit(2)
    assert stats.steps == [1]  # and no second one while the first is on its way
    stats = ActivationStats(budget=1.0)
    monkeypatch.setattr(activations, "start_copy", late)
    make_learner([stats]).fit(2)
    assert len(stats.steps) > 1
    assert late.waited == 0


def test_wrong_numbers() -> None:
    with pytest.raises(UsageError, match="every=0"):
        ActivationStats(every=0)
    for budget in (0, -1, 1.5, NAN):
        with pytest.raises(UsageError, match="budget="):
            ActivationStats(budget=budget)


def test_cancelled_batches_are_kept_or_never_begun(make_learner: Make) -> None:
    def cancel(learn: Learner) -> None:
        raise CancelBatchException

    stats = ActivationStats()
    learn = make_learner([stats, FuncCB(after_predict=cancel, order=1)])
    learn.fit(1)
    assert {len(hook.stats[0]) for hook in stats} == {len(stats.steps)} == {3}  # the forward pass was made
    learn.fit(1, cbs=FuncCB(before_batch=cancel, order=-1))
    assert stats.steps == []


def test_a_second_forward_pass_is_not_measured(make_learner: Make) -> None:
    """As for the backward pass of a checkpointed model, or by a callback that looks again."""
    stats = ActivationStats()
    again = FuncCB(
        after_loss=lambda learn: learn.model(learn.batch[0]),
        after_batch=lambda learn: learn.model(torch.rand(1, 1, 4, 4)),
    )
    make_learner([stats, again]).fit(1)
    assert [len(hook.stats[0]) for hook in stats] == [3] * 4


@pytest.mark.parametrize("error", [None, KeyboardInterrupt])
def test_what_was_found_is_fetched_when_the_fit_is_over(
    make_learner: Make, monkeypatch: pytest.MonkeyPatch, error: type[BaseException] | None
) -> None:
    asked: list[list[Tensor]] = []

    def end(learn: Learner) -> None:
        if error is not None and learn.iter == 1:
            raise error

    stats = ActivationStats()
    monkeypatch.setattr(activations, "fetch", asked.extend)
    learn = make_learner([stats, FuncCB(after_batch=end)])
    with pytest.raises(error) if error else nullcontext():
        learn.fit(1)
    assert [id(values) for values in asked] == [
        id(values) for hook in stats for values in (*hook.stats, hook.above, hook.nonfinite)
    ]
    assert {len(values) for values in asked} == {2 if error else 3}


def test_no_batch_waits_for_a_device(make_learner: Make) -> None:
    """On the meta device, that has no values, whatever would wait for one raises."""
    stats = ActivationStats()
    learn = make_learner([DeviceCB("meta"), stats])
    learn.fit(2)
    assert len(stats.steps) == 6
    assert all(value.is_meta for hook in stats for values in (*hook.stats, hook.above) for value in values)
