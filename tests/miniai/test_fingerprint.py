"""What a function does, in short: changes with the function, and with nothing else."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import pytest
from datasets.fingerprint import Hasher

from miniai import datasets
from miniai.datasets import inplace
from miniai.fingerprint import fingerprint

BODY = """
from miniai.datasets import inplace
STEP = 1
def helped(v): return v + 1
@inplace
def add(b, by=1):
    b["x"] = [helped(v) + by for v in b["x"]]
"""


def compiled(source: str, monkeypatch: pytest.MonkeyPatch, where: str = "notebook_cell") -> Any:
    """The `add` of a module with this source, which can be found by its name."""
    module = ModuleType("edited_module")
    monkeypatch.setitem(sys.modules, "edited_module", module)
    exec(compile(source, where, "exec"), vars(module))
    return module.add


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("helped(v) + by for", "helped(v) - by for"),
        ("helped(v) + by for", "helped(v) + 100 for"),
        ("by=1", "by=2"),
        ("by=1", "*, by=1"),
        ("v + 1", "v + 2"),
        ("helped(v) + by for", "helped(v) + STEP for"),
    ],
    ids=["code", "constant", "default", "keyword", "helper", "global"],
)
def test_another_body_is_another_function_for_hugging_face(old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Hasher.hash(compiled(BODY, monkeypatch))
    assert Hasher.hash(compiled("\n\n" + BODY, monkeypatch, "another_cell")) == first
    assert Hasher.hash(compiled(BODY.replace(old, new), monkeypatch)) != first


def test_a_global_with_another_value_is_another_function(monkeypatch: pytest.MonkeyPatch) -> None:
    source = BODY.replace("+ by", "+ STEP")
    first = Hasher.hash(compiled(source, monkeypatch))
    assert Hasher.hash(compiled(source.replace("STEP = 1", "STEP = 2"), monkeypatch)) != first


def test_it_is_found_by_name_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    add = compiled(BODY, monkeypatch)
    packed = pickle.dumps(add)
    assert pickle.loads(packed) is add
    edited = compiled(BODY.replace("by=1", "by=5"), monkeypatch)
    assert pickle.loads(packed) is edited  # of two bodies, the one that the module has


def test_functions_that_refer_to_themselves_end(monkeypatch: pytest.MonkeyPatch) -> None:
    source = BODY.replace("+ by", "+ len(str(add)) + len(ALL)") + "class Odd: pass\nALL = Odd()\nALL.all = [add]\n"
    add = compiled(source, monkeypatch)
    asked: list[object] = []

    def counted(f: Any) -> str:
        asked.append(f)
        return fingerprint(f)

    monkeypatch.setattr(datasets, "fingerprint", counted)
    assert pickle.loads(pickle.dumps(add)) is add
    assert len(asked) == 1


def made(value: object) -> Any:
    def f() -> object:
        return value

    return f


class Plain:
    def __init__(self, value: object) -> None:
        self.value = value

    def method(self) -> object:
        return self.value


def test_closures_partials_methods_and_data() -> None:
    alike: list[Callable[[], Any]] = [
        lambda: made(1),
        lambda: partial(made(1), 2),
        lambda: Plain(3).method,
        lambda: made({"a": {1, "b"}}),
    ]
    for make in alike:
        assert fingerprint(make()) == fingerprint(make())
    different = [
        made(1), made(True), made("1"), made([1]), made((1,)), made({1}), made({1: 2}), made(Plain(1)), made(Plain(2)),
        partial(made(1), 2), partial(made(1), 3), partial(made(1), x=2), Plain(1).method, Plain(2).method, made(sys),
        made(Plain), made(inplace(made(1))), made(inplace(made(2))),
    ]  # fmt: skip
    assert len({fingerprint(f) for f in different}) == len(different)


def test_what_cannot_be_pickled_is_told_apart() -> None:
    one, two = made(Plain(lambda: 0)), made(Plain(lambda: 0))
    assert fingerprint(one) == fingerprint(one) != fingerprint(two)


def test_a_name_without_a_value_yet() -> None:
    def outer() -> Any:
        def f() -> object:
            return late

        found = fingerprint(f)
        late = 1
        return found, fingerprint(f)

    before, after = outer()
    assert before != after


def test_the_same_in_every_process() -> None:
    code = (
        "from miniai.fingerprint import fingerprint\n"
        "def f(x, also=frozenset({'a', 'b', 'c'})):\n    return x in {'d', 'e', 'f'}\n"
        "print(fingerprint(f))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in "12"
    }
    assert len(found) == 1
