"""Pictures whose file is gone, as in a replay or in a run that keeps only its newest ones."""

from __future__ import annotations

from pathlib import Path

from safetensors.numpy import save_file

from tests.tui.driving import driving
from tests.tui.fake_session import FakeSession
from tests.tui.recorded import Recording
from tests.tui.test_images import good


async def test_pictures_that_are_not_kept_any_more_are_not_promised(tmp_path: Path) -> None:
    recording = Recording()
    async with driving(FakeSession(tmp_path, [*recording.until(1, 8), recording.preview("gone")])) as driver:
        await driver.settle()
        text = " ".join(driver.text("images").split())
        assert "any more: a run keeps only its newest ones" in text.replace("│ ", "")
        save_file(good(), tmp_path / "batch")
        await driver.post(recording.preview("batch"))
        await driver.settle()
        assert "training batch at step" in driver.text("images")
        assert "any more" not in driver.text("images")
