"""Forward hooks: called, found, removed."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from miniai.activations import Hook, Hooks, HooksCallback
from miniai.errors import LearnerError, UsageError
from miniai.hooks import is_leaf
from miniai.learner import CancelEpochException, CancelFitException, FuncCB, Learner

Make = Callable[..., Learner]


@pytest.fixture
def model() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))


def count(model: nn.Module) -> int:
    return sum(len(m._forward_hooks) for m in model.modules())


def shape(hook: Any, module: nn.Module, inputs: Any, output: Any) -> None:
    hook.shape = (type(module).__name__, tuple(inputs[0].shape), tuple(output.shape))


def test_hook_is_called_with_itself_and_can_be_removed(model: nn.Sequential) -> None:
    hook: Any = Hook(model[0], shape)
    model(torch.rand(5, 2))
    assert hook.shape == ("Linear", (5, 2), (5, 3))
    hook.remove()
    hook.remove()
    assert count(model) == 0
    model(torch.rand(1, 2))
    assert hook.shape[1] == (5, 2)


def test_hooks_are_a_list_and_a_context_manager(model: nn.Sequential) -> None:
    with Hooks(model, shape) as hooks:
        model(torch.rand(5, 2))
        assert isinstance(hooks, list)
        assert [h.shape[0] for h in hooks] == ["Linear", "ReLU", "Linear"]  # type: ignore[attr-defined]
        assert count(model) == 3
    assert count(model) == 0
    with pytest.raises(ZeroDivisionError), Hooks(model, shape):
        _ = 1 / 0
    assert count(model) == 0


def test_what_leaves_the_list_leaves_the_model(model: nn.Sequential) -> None:
    hooks = Hooks(model, shape)
    first = hooks[0]
    del hooks[0]
    assert (len(hooks), count(model)) == (2, 2)
    assert first not in hooks
    assert len(model[0]._forward_hooks) == 0
    hooks.pop()
    assert (len(hooks), count(model)) == (1, 1)
    hooks.clear()
    assert (len(hooks), count(model)) == (0, 0)
    hooks = Hooks(model, shape)
    del hooks[:2]
    assert (len(hooks), count(model)) == (1, 1)
    del hooks
    gc.collect()
    assert count(model) == 0


def test_what_is_replaced_in_the_list_leaves_the_model(model: nn.Sequential) -> None:
    hooks = Hooks(model, shape)
    hooks[0] = Hook(model[1], shape)
    assert [len(m._forward_hooks) for m in model] == [0, 2, 1]
    hooks[0] = hooks[0]
    assert count(model) == 3
    hooks[:] = [hooks[2], hooks[1]]
    assert [len(m._forward_hooks) for m in model] == [0, 1, 1]
    hooks.remove()
    assert count(model) == 0


def test_a_removed_hook_keeps_what_it_found_and_not_its_function(model: nn.Sequential) -> None:
    class Big:
        pass

    big: Any = Big()
    gone = weakref.ref(big)

    def note(hook: Any, module: nn.Module, inputs: Any, output: Any, held: Any = big) -> None:
        hook.found = True

    hook: Any = Hook(model[0], note)
    model(torch.rand(1, 2))
    hook.remove()
    del note, big
    assert gone() is None
    assert hook.found


def test_a_hook_that_is_removed_during_a_call_is_silent(model: nn.Sequential) -> None:
    found: list[str] = []

    def first(hook: Any, module: nn.Module, inputs: Any, output: Any) -> None:
        second.remove()

    Hook(model[0], first)
    second = Hook(model[0], lambda hook, module, inputs, output: found.append("called"))
    model(torch.rand(1, 2))
    assert found == []


def test_finished_statistics_keep_no_learner(make_learner: Make) -> None:
    stats = HooksCallback(shape)
    learn = make_learner()
    learn.fit(1, cbs=stats)
    gone = weakref.ref(learn)
    del learn
    gc.collect()
    assert gone() is None
    assert [hook.shape[0] for hook in stats] == ["Conv2d", "ReLU", "Flatten", "Linear"]  # type: ignore[attr-defined]


def test_a_second_beginning_takes_the_first_hooks_off(make_learner: Make) -> None:
    cb, learn = HooksCallback(shape), make_learner()
    cb.before_fit(learn)
    first = cb.hooks
    cb.before_fit(learn)
    assert count(learn.model) == len(first) == 4
    cb.cleanup_fit(learn)
    assert count(learn.model) == 0


def test_no_hook_stays_if_one_cannot_be_set(model: nn.Sequential) -> None:
    with pytest.raises(AttributeError):
        Hooks([model[0], 3], shape)  # type: ignore[list-item]
    assert count(model) == 0


@pytest.mark.parametrize(("on_train", "on_valid", "calls"), [(True, False, 3), (False, True, 2), (True, True, 5)])
def test_callback_chooses_modules_and_halves(make_learner: Make, on_train: bool, on_valid: bool, calls: int) -> None:
    seen: list[nn.Module] = []
    cb = HooksCallback(
        lambda hook, module, inputs, output: seen.append(module),
        lambda module: isinstance(module, nn.Conv2d),
        on_train,
        on_valid,
    )
    learn = make_learner([cb])
    learn.fit(1)
    assert seen == [learn.model[0]] * calls  # type: ignore[index]
    assert len(cb) == len(list(cb)) == len(cb.hooks) == 1
    assert count(learn.model) == 0


def test_callback_takes_modules(make_learner: Make) -> None:
    learn = make_learner()
    cb = HooksCallback(shape, mods=[learn.model[3]])  # type: ignore[index]
    learn.fit(1, cbs=cb)
    assert [h.shape[0] for h in cb] == ["Linear"]  # type: ignore[attr-defined]
    every = HooksCallback(shape)
    learn.fit(1, cbs=every)
    assert [h.label for h in every] == ["0 Conv2d", "1 ReLU", "2 Flatten", "3 Linear"]  # the leaves
    containers = HooksCallback(shape, lambda module: True)
    learn.fit(1, cbs=containers)
    assert [h.label for h in containers][:2] == ["Sequential", "0 Conv2d"]
    assert len(containers) == 5


@pytest.mark.parametrize("error", [CancelFitException, KeyboardInterrupt])
@pytest.mark.parametrize("hook", ["before_fit", "after_predict", "cleanup_batch"])
def test_no_hook_left_after_any_exit(make_learner: Make, error: type[BaseException], hook: str) -> None:
    def leave(learn: Learner) -> None:
        raise error

    hooks: dict[str, Any] = {hook: leave}
    learn = make_learner([HooksCallback(shape), FuncCB(order=1, **hooks)])
    try:
        learn.fit(1)
    except KeyboardInterrupt:
        assert error is KeyboardInterrupt
    assert count(learn.model) == 0


def fails(hook: Any, module: nn.Module, inputs: Any, output: Any) -> None:
    raise ValueError("no such thing")


def test_an_error_names_the_module(make_learner: Make, model: nn.Sequential) -> None:
    with Hooks(model, fails), pytest.raises(LearnerError, match="module Linear failed with ValueError: no such thing"):
        model(torch.rand(5, 2))
    learn = make_learner([HooksCallback(fails, lambda m: isinstance(m, nn.ReLU))])
    with pytest.raises(LearnerError, match="module 1 ReLU failed") as raised:
        learn.fit(1)
    assert isinstance(raised.value.__cause__, ValueError)
    assert count(learn.model) == 0


@pytest.mark.parametrize("error", [CancelFitException(), CancelEpochException(), UsageError("as it is")])
def test_what_is_raised_on_purpose_goes_on(model: nn.Sequential, error: Exception) -> None:
    def raise_it(hook: Any, module: nn.Module, inputs: Any, output: Any) -> None:
        raise error

    with Hooks(model, raise_it), pytest.raises(type(error)) as raised:
        model(torch.rand(5, 2))
    assert raised.value is error


def test_a_hook_changes_no_output(model: nn.Sequential) -> None:
    x = torch.rand(5, 2)
    before = model(x)
    with Hooks(model, lambda hook, module, inputs, output: output * 2):
        assert torch.equal(model(x), before)


def test_names_for_labels(model: nn.Sequential) -> None:
    with Hooks(model, shape, ["first", "second"]) as hooks:
        assert [hook.label for hook in hooks] == ["first Linear", "second ReLU", "Linear"]
    assert [is_leaf(module) for module in (model, model[0])] == [False, True]
