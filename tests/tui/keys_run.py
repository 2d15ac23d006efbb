"""What the keys that ask the trainer for something do, seen to happen in a real run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from textual.app import App

from miniai.run import events as ev
from tests.tui.real import Real
from tui.screens.prompt import Prompt
from tui.screens.run import RunScreen

__all__ = [
    "Check",
    "asks",
    "epochs",
    "goes_on",
    "pause",
    "rate",
    "save",
    "skip_batch",
    "skip_epoch",
    "step",
    "stop",
    "suspend",
    "validation",
]

Check = Callable[[Real, str], Awaitable[None]]


async def goes_on(real: Real) -> None:
    """Wait for more training."""
    step = real.state.step
    await real.until(lambda: real.state.step > step)


async def pause(real: Real, key: str) -> None:
    real.press(key)
    await real.until(lambda: real.state.paused)
    paused = real.journal(ev.Paused)[-1]
    assert (paused.batch, paused.step) == (real.state.progress.batch, real.state.step)
    real.press(key)
    await real.until(lambda: not real.state.paused)
    await goes_on(real)


async def step(real: Real, key: str) -> None:
    for _ in range(2):
        before = len(real.journal(ev.Paused))
        real.press(key)
        await real.until(lambda before=before: len(real.journal(ev.Paused)) > before)  # type: ignore[misc]
        await real.until(lambda: real.state.paused)
    first, second = real.journal(ev.Paused)[-2:]
    assert second.batch - first.batch == 1 or second.phase != first.phase
    real.press("space")
    await real.until(lambda: not real.state.paused)


async def skip(real: Real, key: str, kind: type[ev.Fact]) -> None:
    """Until one is done: a press on the last batch of a half is refused."""
    before = len(real.journal(kind))
    while len(real.journal(kind)) == before:
        answers = len(real.journal(kind, ev.Refused))
        real.press(key)
        await real.until(lambda answers=answers: len(real.journal(kind, ev.Refused)) > answers)  # type: ignore[misc]
    assert len(real.journal(kind)) == before + 1


async def skip_batch(real: Real, key: str) -> None:
    await skip(real, key, ev.BatchSkipped)
    await goes_on(real)


async def skip_epoch(real: Real, key: str) -> None:
    await skip(real, key, ev.EpochSkipped)
    skipped = real.journal(ev.EpochSkipped)[-1]
    row = (skipped.epoch, skipped.phase, "skipped")
    await real.until(lambda: row in [(r.epoch, r.phase, r.ended) for r in real.state.rows])
    await goes_on(real)


async def asks(real: Real, key: str) -> None:
    """Nothing happens before the answer, and nothing by a no."""
    await real.ask(key)
    await goes_on(real)
    real.press("escape")
    await real.until(lambda: isinstance(real.app.screen, RunScreen))
    assert real.state.status in ("training", "validating")


async def stop(real: Real, key: str) -> None:
    await asks(real, key)
    await real.ask(key)
    real.press("s")
    await real.until(lambda: real.state.over)
    assert [f.reason for f in real.journal(ev.FitEnded)] == ["stopped"]


async def suspend(real: Real, key: str) -> None:
    """The thread worker's training would stand still with the screen."""
    suspended: list[App[None]] = []

    def note(app: App[None]) -> None:
        suspended.append(app)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(App, "action_suspend_process", note)
        real.press(key)
        if real.app.session.can_leave:
            await real.until(lambda: suspended)
        else:
            await real.until(lambda: "not suspended" in real.header)
    assert bool(suspended) == real.app.session.can_leave


async def types(real: Real, key: str, text: str) -> ev.Changed:
    """Open the prompt of a key and type into it; what the trainer answers."""
    before = len(real.journal(ev.Changed))
    real.press(key)
    await real.until(lambda: isinstance(real.app.screen, Prompt))
    for character in text:
        real.press(character)
    real.press("enter")
    await real.until(lambda: len(real.journal(ev.Changed)) > before)
    changed: ev.Changed = real.journal(ev.Changed)[-1]
    return changed


async def rate(real: Real, key: str) -> None:
    changed = await types(real, key, "x0.5")
    assert changed.what == "lr"
    assert changed.new == pytest.approx(changed.old / 2)
    await real.until(lambda: real.state.rate.now == changed.new)
    await real.until(lambda: any(m.text == "lr x0.5" and m.step == changed.step for m in real.state.marks))
    await goes_on(real)


async def epochs(real: Real, key: str) -> None:
    changed = await types(real, key, "+3")
    assert (changed.what, changed.new) == ("epochs", changed.old + 3)
    await real.until(lambda: real.state.progress.epochs == changed.new)


async def save(real: Real, key: str) -> None:
    def asked_for() -> list[ev.Saved]:  # others come by themselves
        return [fact for fact in real.journal(ev.Saved) if fact.why == "request"]

    real.press(key)
    await real.until(asked_for)
    saved = asked_for()[-1]
    assert (real.run.checkpoints / saved.name / "model.safetensors").is_file()
    await real.until(lambda: any((m.step, m.text) == (saved.step, "saved") for m in real.state.marks))
    await real.until(lambda: real.state.saves.last is not None and real.state.saves.last.step >= saved.step)
    await goes_on(real)


async def validation(real: Real, key: str) -> None:
    """Off from the next epoch on, which has a row that says so; then on again."""
    for on in (0, 1):
        before = len(real.journal(ev.Changed))
        real.press(key)
        await real.until(lambda before=before: len(real.journal(ev.Changed)) > before)  # type: ignore[misc]
        changed = real.journal(ev.Changed)[-1]
        assert (changed.what, changed.new) == ("valid", on)
        await real.until(lambda: real.state.progress.validation.last == bool(on))  # noqa: B023
        await real.until(lambda epoch=changed.epoch: ended(real, epoch) != "running")  # type: ignore[misc]
        row = real.state.rows.get(changed.epoch, "valid")
        assert row is not None
        assert (row.ended, row.batches > 0) == (("complete", True) if on else ("skipped", False))


def ended(real: Real, epoch: int) -> str:
    """How the validation of an epoch ended; "running" before that."""
    row = real.state.rows.get(epoch, "valid")
    return "running" if row is None else row.ended
