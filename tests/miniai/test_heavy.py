"""Loading torch: once, without the collector, which is afterwards as it was. A module that says so stands for torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SAYS = "import gc; print('loaded', 'on' if gc.isenabled() else 'off')\nmine = [[] for _ in range(100)]\n"
LOAD = """
import gc, sys
from miniai.heavy import load_torch
if "before" in sys.argv: import torch
if "off" in sys.argv: gc.disable()
frozen = gc.get_freeze_count()
try:
    load_torch()
except ImportError as error:
    print(error)
print("on" if gc.isenabled() else "off", gc.get_freeze_count() > frozen)
"""


def lines(folder: Path, torch: str, *words: str) -> list[str]:
    (folder / "torch.py").write_text(torch)
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(folder)!r})\n{LOAD}", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()


@pytest.mark.parametrize("state", ["on", "off"])
def test_the_collector_rests_meanwhile_and_is_as_before_afterwards(tmp_path: Path, state: str) -> None:
    assert lines(tmp_path, SAYS, state) == ["loaded off", f"{state} True"]


def test_what_is_loaded_is_left_alone(tmp_path: Path) -> None:
    assert lines(tmp_path, SAYS, "before") == ["loaded on", "on False"]


def test_torch_that_cannot_be_loaded_leaves_the_collector_on(tmp_path: Path) -> None:
    assert lines(tmp_path, "raise ImportError('libtorch is broken')") == ["libtorch is broken", "on True"]
