"""What is really imported, asked of real interpreters: the screen never loads torch, the command line neither."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import miniai


def modules_after(code: str) -> set[str]:
    """Top-level names in sys.modules after `code` ran in a fresh interpreter."""
    report = "import json, sys; print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("module", ["tui", "tui.cli", "tui.headless", "tui.launch", "miniai", "miniai.trainer"])
def test_start_loads_neither_torch_nor_textual(module: str) -> None:
    assert not modules_after(f"import {module}") & {"torch", "textual", "numpy", "datasets"}


@pytest.mark.parametrize("module", ["miniai.run.events", "miniai.run.requests", "miniai.run.journal", "miniai.config"])
def test_the_seam_loads_neither_torch_nor_textual(module: str) -> None:
    assert not modules_after(f"import {module}") & {"torch", "textual", "numpy", "datasets", "rich"}


def test_the_first_frame_needs_no_chart_library() -> None:
    assert not modules_after("import tui.app") & {"torch", "numpy", "plotext", "textual_plotext", "safetensors"}


SHOW = """
import asyncio, sys
from pathlib import Path
from miniai.run.directory import RunDir
from miniai.run.events import encode
from tui.app import MonitorApp
from tui.attach import AttachedSession
sys.path.insert(0, sys.argv[1]) if len(sys.argv) > 1 else None
from tests.tui.recorded import Recording

async def main(folder):
    run = RunDir(Path(folder))
    app = MonitorApp(AttachedSession(run))
    async with app.run_test(size=(120, 40)) as pilot:
        while not app.state.over:
            await pilot.pause()
        await pilot.press("y", "m", "n", "question_mark", "escape", "t")
        await pilot.pause()
    assert app.state.status == "done", app.state.status
"""


def test_a_screen_on_a_whole_run_never_imports_torch(tmp_path: Path) -> None:
    folder, tests = repr(str(tmp_path)), repr(str(Path(__file__).parents[1]))
    code = f"""
import sys; sys.path.insert(0, {tests})
{SHOW}
from miniai.config import RunConfig
from miniai.run.directory import create_run
run = create_run(Path({folder}), RunConfig())
run.journal.write_bytes(b"".join(encode(f) + b"\\n" for f in Recording(epochs=2).whole()))
asyncio.run(main(run.path))
"""
    loaded = modules_after(code)
    assert "textual" in loaded
    assert not loaded & {"torch", "torcheval", "datasets", "pyarrow"}


def test_the_library_s_exports_are_sorted_and_all_there() -> None:
    assert miniai.__all__ == sorted(miniai.__all__)
    assert dir(miniai) == miniai.__all__
    for name in miniai.__all__:
        assert getattr(miniai, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'Lerner'"):
        miniai.Lerner  # noqa: B018
