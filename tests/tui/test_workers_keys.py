"""Every key of the map against a real trainer process and a real trainer thread: what it does is seen to happen."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui import keys_panes as panes
from tests.tui import keys_run as run
from tests.tui import keys_screen as screen
from tests.tui.keys_run import Check
from tests.tui.real import both, fit
from tui.keys import GROUPS

CHECKS: dict[str, Check] = {
    "go_log": screen.go("log"),
    "go_details": screen.go("details"),
    "filter": panes.ask_filter,
    "alerts": panes.alerts,
    "pause": run.pause,
    "step": run.step,
    "skip_batch": run.skip_batch,
    "skip_epoch": run.skip_epoch,
    "quit": run.asks,
    "interrupt": run.asks,
    "suspend": run.suspend,
    "go_loss": screen.go("loss"),
    "go_metrics": screen.go("metrics"),
    "go_layers": screen.go("layers"),
    "go_images": screen.go("images"),
    "go_system": screen.go_extra("system", lambda real: real.state.system.now),
    "go_confusion": screen.go_extra("confusion", lambda real: real.state.confusion.fact),
    "previous_images": panes.previous_images,
    "images_view": panes.images_view,
    "shares": panes.shares,
    "window": panes.cycles("window", "full", "recent", "follow"),
    "curves": panes.curves,
    "smoother": panes.smoother,
    "rougher": panes.rougher,
    "axis": panes.cycles("unit", "steps", "epochs", "time"),
    "outliers": panes.flips("trimmed"),
    "crosshair": panes.flips("cross"),
    "zoom_in": panes.zooms(-1),
    "zoom_out": panes.zooms(1),
    "pan_left": panes.pans(-1),
    "pan_right": panes.pans(1),
    "maximise": screen.maximise,
    "out": screen.out,
    "log_y": panes.log_y,
    "statistic": panes.statistic,
    "next_images": panes.next_images,
    "rate": run.rate,
    "epochs": run.epochs,
    "validation": run.validation,
    "save": run.save,
    "layout": screen.next_layout,
    "swap_next": screen.swaps(1),
    "swap_before": screen.swaps(-1),
    "other_pane": screen.other_pane,
    "first_places": screen.first_places,
    "next_theme": screen.next_theme,
    "help": screen.show_help,
    "redraw": screen.redraw,
    "stop": run.stop,
}
"""What the key of each binding does, in an order in which one run can serve for all: `stop` ends it."""


def test_every_key_of_the_map_has_a_check() -> None:
    assert CHECKS.keys() == {binding.id for _, bindings in GROUPS for binding in bindings}


@both
async def test_every_key(worker: str, tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {binding.id: binding.key for _, bindings in GROUPS for binding in bindings}
    async with fit(worker, tmp_path, data, monkeypatch) as real:
        await real.until(lambda: real.state.step > 3)
        for id_, check in CHECKS.items():
            for key in keys[id_].split(","):
                await check(real, key)
