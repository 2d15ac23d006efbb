"""The keys of the view, the palette, copying, and the pages of images."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tests.tui.driving import driving, going
from tests.tui.fake_session import FakeSession
from tests.tui.recorded import Recording
from tui.colors import PALETTES
from tui.panes.images import ImagesPane
from tui.screens.run import RunScreen


async def test_ctrl_c_copies_a_selection_instead(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        await driver.pilot.mouse_down("#metrics", offset=(3, 2))
        await driver.pilot.hover("#metrics", offset=(40, 3))
        await driver.pilot.mouse_up("#metrics", offset=(40, 3))
        await driver.pilot.pause()
        assert driver.app.screen.get_selected_text()
        await driver.press("ctrl+c")
        assert isinstance(driver.app.screen, RunScreen)
        assert "train" in driver.app.clipboard


async def test_view_keys(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        await driver.press("y")
        assert "log y" in driver.text("loss")
        await driver.press("m")
        assert "standard deviation" in driver.text("layers")
        await driver.press("m")
        assert "near zero" in driver.text("layers")
        for name in [*list(PALETTES)[1:], next(iter(PALETTES))]:
            await driver.press("t")
            assert driver.app.theme == name
        await driver.press("question_mark")
        assert driver.on_top == "Help"
        await driver.press("escape")
        assert driver.on_top == "RunScreen"
        await driver.press("ctrl+l")
        assert not driver.session.requests


async def test_a_preview_is_read_and_shown_and_n_turns_the_page(tmp_path: Path) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    pixels = np.random.default_rng(0).integers(0, 255, (32, 1, 28, 28), np.uint8)
    tensors = {
        "pixels": pixels, "labels": np.arange(32) % 10, "predictions": np.arange(32) % 9,
        "confidences": np.full(32, 0.75, np.float32),
    }  # fmt: skip
    save_file(tensors, tmp_path / "1.safetensors")
    recording = Recording()
    facts = [*recording.until(0, 40), recording.preview("1.safetensors")]
    async with driving(FakeSession(tmp_path, facts)) as driver:
        await driver.settle()
        text = driver.text("images")
        assert "training batch at step 40" in text
        assert "Ankle boot" in text or "T-shirt/top" in text
        await driver.press("n")
        assert driver.text("images") != text
        await driver.post(recording.preview("vanished.safetensors"))
        assert driver.app.run_screen.pane(ImagesPane).preview is not None
        newer = msgspec.structs.replace(recording.preview("vanished.safetensors", "valid"), step=41)
        await driver.post(newer)
        assert "training batch at step 40" in driver.text("images")  # what is shown, not what is newest
