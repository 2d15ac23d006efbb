"""Which callbacks a Learner takes, in which order it calls them, and when it lets go of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from miniai.callbacks.base import Callback, find_hooks
from miniai.errors import LearnerError
from miniai.learner import (
    FuncCB,
    Learner,
    TrainCB,
    run_cbs,
    with_cbs,
)

Make = Callable[..., Learner]


def test_order_and_list_order(make_learner: Make) -> None:
    said: list[str] = []

    def speaker(name: str, order: int) -> FuncCB:
        return FuncCB(before_fit=lambda learn: said.append(name), order=order)

    mine = [speaker("b", 1), speaker("a", 0), speaker("c", 1)]
    learn = make_learner(mine)
    learn.fit(0, cbs=[speaker("late", 1), speaker("first", -1)])
    assert said == ["first", "a", "b", "c", "late"]
    said.clear()
    learn.fit(0)
    assert said == ["a", "b", "c"]
    assert len(mine) == 3
    assert learn.cbs[1:] == mine


def test_one_hook_may_have_an_order_of_its_own(make_learner: Make) -> None:
    said: list[str] = []

    class Early(Callback):
        order = 5
        hook_orders = {"before_epoch": -5}  # noqa: RUF012

        def before_epoch(self, _learn: Learner, /) -> None:
            said.append("early")

        def after_epoch(self, _learn: Learner, /) -> None:
            said.append("late")

    other = FuncCB(before_epoch=lambda learn: said.append("other"), after_epoch=lambda learn: said.append("other"))
    make_learner([Early(), other]).fit(1, train=False)
    assert said == ["early", "other", "other", "late"]


def test_callbacks_of_one_fit_are_gone_afterwards_also_twice_the_same(make_learner: Make) -> None:
    calls: list[int] = []
    cb = FuncCB(before_fit=lambda learn: calls.append(1))
    learn = make_learner([cb])
    mine = list(learn.cbs)
    learn.fit(0, cbs=cb)
    assert len(calls) == 2
    assert learn.cbs == mine
    same_list = learn.cbs
    learn.fit(0, cbs=cb)
    assert learn.cbs is same_list


def test_a_callback_given_to_fit_that_was_there_leaves_the_order_of_the_others_alone(make_learner: Make) -> None:
    said: list[str] = []
    first = FuncCB(before_fit=lambda learn: said.append("a"))
    learn = make_learner([first, FuncCB(before_fit=lambda learn: said.append("b"))])
    mine = list(learn.cbs)
    learn.fit(0, cbs=first)
    assert said == ["a", "b", "a"]
    assert learn.cbs == mine


def test_callbacks_may_come_and_go_during_a_fit(make_learner: Make) -> None:
    calls: list[str] = []
    late = FuncCB(before_batch=lambda learn: calls.append(f"{learn.epoch}.{learn.iter}"))
    learn = make_learner(
        [
            FuncCB(
                before_epoch=lambda learn: learn.cbs.append(late) if learn.epoch == 1 else None,
                cleanup_epoch=lambda learn: learn.cbs.remove(late) if learn.epoch == 1 else None,
            )
        ]
    )
    learn.fit(3, valid=False)
    assert calls == ["1.0", "1.1", "1.2"]


class Misspelt(Callback):
    def before_bacth(self, learn: Learner) -> None: ...


class NoFault(Callback):
    before_long = 3
    _before_us = None

    def beforehand(self) -> None: ...


def test_misspelt_hooks_are_refused(make_learner: Make) -> None:
    with pytest.raises(LearnerError, match=r"Misspelt\.before_bacth .* before_batch\?"):
        make_learner([Misspelt()])
    with pytest.raises(LearnerError, match="before_bacth"):
        make_learner().fit(1, cbs=Misspelt())
    learn = make_learner()
    learn.cbs.append(Misspelt())
    with pytest.raises(LearnerError, match="before_bacth"):
        learn.fit(1)
    with pytest.raises(LearnerError, match="before_bacth"):
        FuncCB(before_bacth=print)
    with pytest.raises(LearnerError, match="before_bacth"):
        run_cbs([TrainCB()], "before_bacth")
    make_learner([NoFault()]).fit(0)


def test_what_is_no_callback_is_refused(make_learner: Make) -> None:
    with pytest.raises(LearnerError, match=r"TrainCB\(\.\.\.\)"):
        make_learner([TrainCB])
    with pytest.raises(LearnerError, match="no Callback"):
        make_learner([print])
    with pytest.raises(LearnerError, match="cannot be called"):
        FuncCB(before_fit=3)  # type: ignore[arg-type]


def test_run_cbs_sorts_and_takes_any_method() -> None:
    said: list[str] = []
    cbs = [
        FuncCB(before_fit=lambda learn: said.append("2"), order=2),
        FuncCB(before_fit=lambda learn: said.append("1")),
    ]
    run_cbs(cbs, "before_fit")
    assert said == ["1", "2"]
    run_cbs(cbs, "anything")


def test_hooks_that_are_not_written_are_not_called() -> None:
    cb = Callback()
    assert find_hooks([cb, TrainCB()], "after_batch") == ()
    assert len(find_hooks([cb, TrainCB()], "before_fit")) == 1


def test_with_cbs_as_context_manager(make_learner: Make, recorder: Any) -> None:
    from miniai.learner import CancelBatchException

    seen = recorder()
    learn = make_learner([seen])
    with with_cbs("batch", learn):
        seen.events.append("block")
    with with_cbs("batch", learn):
        raise CancelBatchException
    ended = ["before_batch", "block", "after_batch", "cleanup_batch", "before_batch", "cleanup_batch"]
    assert seen.events == ended
    with pytest.raises(ZeroDivisionError), with_cbs("batch", learn):
        _ = 1 / 0
    assert seen.events == [*ended, "before_batch", "cleanup_batch"]
    with pytest.raises(LearnerError), with_cbs("batch"):
        pass
    with pytest.raises(LearnerError, match="fit, epoch, batch"):
        with_cbs("bacth")
