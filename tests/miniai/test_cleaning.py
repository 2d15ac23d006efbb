"""Memory is given back: what notebooks and tracebacks keep alive, inside IPython and outside."""

from __future__ import annotations

import sys
import weakref
from types import SimpleNamespace
from typing import Any

import pytest

from miniai.init import clean_ipython_hist, clean_mem, clean_tb


class Shell:
    """What clean_ipython_hist knows of IPython."""

    def __init__(self) -> None:
        self.user_ns: dict[str, Any] = {"_i": "b", "_ii": "a", "_iii": "", "_i1": "a", "_i2": "b", "kept": 1}
        self.flushed = 0
        self.displayhook = SimpleNamespace(prompt_count=2, flush=self.flush)
        self.history_manager = SimpleNamespace(input_hist_parsed=["", "a", "b"], input_hist_raw=["", "a", "b"])

    def flush(self) -> None:
        self.flushed += 1


def test_ipython_s_history_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = Shell()
    cells = shell.history_manager.input_hist_raw
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    clean_ipython_hist()
    assert shell.user_ns == {"_i": "", "_ii": "", "_iii": "", "kept": 1}
    assert shell.flushed == 1
    assert shell.history_manager.input_hist_raw is cells
    assert cells == shell.history_manager.input_hist_parsed == ["", "", ""]


@pytest.mark.parametrize("shell", [None, SimpleNamespace(get_ipython=lambda: None)])
def test_outside_ipython_nothing_happens(monkeypatch: pytest.MonkeyPatch, shell: Any) -> None:
    monkeypatch.setitem(sys.modules, "IPython", shell)
    clean_mem()


def failing(big: Any, deep: int) -> None:
    kept = big  # a local variable that the traceback keeps alive
    try:
        if deep:
            failing(kept, deep - 1)
        raise KeyError(deep)
    except KeyError as error:
        raise ValueError(deep) from error


LAST = ("last_exc", "last_value", "last_type", "last_traceback")


@pytest.mark.parametrize("name", ["last_value", "last_exc"])
def test_what_a_traceback_kept_alive_is_let_go(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    class Big:
        pass

    big = Big()
    gone = weakref.ref(big)
    for last in LAST:
        monkeypatch.delattr(sys, last, raising=False)
    try:
        failing(big, 2)
    except ValueError as error:
        setattr(sys, name, error)
        sys.last_traceback = error.__traceback__
    del big
    assert gone() is not None
    clean_mem()
    assert gone() is None
    assert not any(hasattr(sys, last) for last in LAST)
    clean_tb()  # with nothing to clean


@pytest.mark.parametrize("how", ["cause", "context", "group"])
def test_every_exception_behind_the_last_one_is_let_go(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """Also a cause that is not the exception that was being handled, and that one, too."""

    class Big:
        pass

    def inner(kept: Any) -> None:
        raise KeyError(1)

    big = Big()
    gone = weakref.ref(big)
    try:
        inner(big)
    except KeyError as caught:
        behind = caught
    last: BaseException = ValueError(2)
    if how == "cause":
        last.__cause__, last.__context__ = behind, ZeroDivisionError()
    elif how == "context":
        last.__cause__, last.__context__ = ZeroDivisionError(), behind
    else:
        vars(last)["exceptions"] = (behind,)
    for name in LAST:
        monkeypatch.delattr(sys, name, raising=False)
    sys.last_value = last
    del big  # the exceptions themselves are still held, as a debugger may do
    assert gone() is not None
    clean_tb()
    assert gone() is None
