"""The examples in the docstrings of the library say what is true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from importlib.util import find_spec

import pytest

import miniai


def with_examples() -> list[str]:
    """Names of the modules whose text holds an example; read, not imported."""
    found = []
    for module in pkgutil.walk_packages(miniai.__path__, "miniai."):
        spec = find_spec(module.name)
        assert spec is not None
        assert spec.origin is not None
        with open(spec.origin, encoding="utf-8") as text:
            if re.search(r"^\s*>>> ", text.read(), re.M):
                found.append(module.name)
    return found


def test_there_are_examples() -> None:
    assert {"miniai.training", "miniai.datasets", "miniai.metrics"} <= set(with_examples())


@pytest.mark.parametrize("name", with_examples())
def test_examples(name: str) -> None:
    done = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert done.attempted > 0
    assert done.failed == 0
