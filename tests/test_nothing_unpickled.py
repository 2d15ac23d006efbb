"""Where code could be run by reading data: nowhere but between a process and the workers that it has started itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
_RUN_CODE = {
    "pickle.load", "pickle.loads", "pickle.Unpickler", "torch.load", "np.load", "numpy.load", "marshal.load",
    "marshal.loads", "shelve.open", "joblib.load", "yaml.load", "eval", "exec", "compile", "os.system", "__import__",
    "torch.jit.load", "torch.hub.load",
}  # fmt: skip
_MAY = {("miniai/scratch/transport.py", "pickle.loads")}
"""What a loader's own worker process sends back."""


def calls(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)
        if isinstance(node, ast.ImportFrom) and node.module in ("pickle", "marshal", "shelve", "joblib", "yaml"):
            yield from (f"{node.module}.{name.name}" for name in node.names)


@pytest.mark.parametrize("package", ["miniai", "tui"])
def test_no_data_are_run(package: str) -> None:
    found = {
        (path.relative_to(ROOT).as_posix(), call)
        for path in (ROOT / package).rglob("*.py")
        for call in calls(path)
        if call in _RUN_CODE
    }
    assert found - _MAY == set()
