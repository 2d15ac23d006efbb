"""Run details: every option with its mark, the data, the machine, and the model whose parts add up."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from miniai.config import RunConfig, write_config
from miniai.run import events as ev
from tests.tui.driving import driving
from tests.tui.fake_session import FakeSession
from tests.tui.recorded import Recording
from tui.colors import PALETTES
from tui.panes.details import details, facts_of, model_of
from tui.panes.lines import Frame
from tui.state import RunState

COLORS = PALETTES["miniai-dark"]
MODULES = [ev.Layer("0", "Conv2d", "1>8", 80), ev.Layer("1", "ReLU"), ev.Layer("2", "Linear", "8>10", 30_074)]
NOTED = ev.EnvironmentNoted(
    at=4.0, python="3.11.2", torch="2.13.0", system="Linux 6.1 x86_64", device="NVIDIA X", threads=2, folder="/home/a",
    revision="0123456789abcdef0123", branch="main", dirty=True,
)  # fmt: skip
CONFIG = RunConfig(model="conv", lr=0.2, epochs=5, given=("lr", "model"))


def state_of(*more: ev.AnyFact) -> RunState:
    state = RunState()
    for fact in Recording().start():
        if isinstance(fact, ev.FitStarted):
            fact = msgspec.structs.replace(fact, modules=MODULES, trainable=30_000)  # noqa: PLW2901
        state.apply(fact)
    for fact in more:
        state.apply(fact)
    return state


def facts(state: RunState, config: RunConfig | str = CONFIG) -> dict[str, tuple[str, str]]:
    return {name: (value, note) for name, value, note in facts_of(state, config, Path("/runs/x")) if name}


def test_what_was_given_is_marked_and_what_was_not_says_what_was_taken() -> None:
    found = facts(state_of())
    assert found["lr"] == ("0.2", "given")
    assert found["model"] == ("conv", "given")
    assert found["bs"] == ("512", "default")  # the model's own, as the trainer said
    assert found["opt"] == ("sgd", "default")
    assert found["device"] == ("cpu", "default")
    assert found["threads"] == ("not set", "default")
    assert found["amp"] == ("no", "default")
    hidden = {"given", "job", "lr_start", "lr_factor"}  # the last two belong to another job
    assert set(found) >= {name.replace("_", " ") for name in set(CONFIG.__struct_fields__) - hidden}
    assert not set(found) & {"given", "job", "lr start"}


def test_data_run_and_machine() -> None:
    found = facts(state_of(NOTED))
    assert found["directory"] == ("/runs/x", "")
    assert found["host"] == ("box", "")
    assert found["training"] == ("60,000 images", "")
    assert found["image"] == ("28 x 28 grey", "")
    assert found["classes"][0].startswith("10: T-shirt/top, Trouser")
    assert found["python"] == ("3.11.2", "")
    assert found["torch"] == ("2.13.0", "2 threads")
    assert found["git"] == ("0123456789ab (main)", "with changes that are not committed")


@pytest.mark.parametrize(
    ("dirty", "revision", "branch", "said"),
    [(False, "ab", "", ("ab", "no changes")), (None, "", "", ("no commit known", "")),
     (None, "ab", "x", ("ab (x)", ""))],
)  # fmt: skip
def test_git_says_what_is_known(dirty: bool | None, revision: str, branch: str, said: tuple[str, str]) -> None:
    noted = msgspec.structs.replace(NOTED, dirty=dirty, revision=revision, branch=branch)
    assert facts(state_of(noted))["git"] == said


def test_the_model_adds_up() -> None:
    rows = model_of(state_of())
    assert rows[0][0] == "model ─ conv"
    assert [row[1].split() for row in rows[1:]] == [
        ["Conv2d", "1>8", "80"], ["ReLU", "0"], ["Linear", "8>10", "30,074"], ["parameters", "30,154"],
        ["trainable", "30,000"],
    ]  # fmt: skip
    assert rows[-2][0] == "in all"
    ends = {len(row[1]) for row in rows[1:]}
    assert len(ends) == 1  # the numbers stand below each other


def test_an_old_journal_shows_the_layers_it_has_without_numbers() -> None:
    state = RunState()
    for fact in Recording().start():
        state.apply(fact)
    rows = model_of(state)
    assert rows[1][1] == "Conv2d  1>8"
    assert rows[-1][1].split() == ["parameters", "30,154"]


def test_before_the_first_fact() -> None:
    text = "\n".join(s.text for s in details(RunState(), "", Path("x"), Frame(60, 30, COLORS)))
    for said in ("not read yet", "not loaded yet", "soon after the first batch", "not built yet"):
        assert said in text


@pytest.mark.parametrize("width", [20, 78, 103, 104, 200])
def test_narrow_one_below_the_other_wide_side_by_side(width: int) -> None:
    state = state_of(NOTED)
    strips = details(state, CONFIG, Path("/runs/x"), Frame(width, 200, COLORS))
    assert {s.cell_length for s in strips} == {width}
    assert ("model ─ conv" in strips[0].text) == (width >= 104)
    assert any("model ─ conv" in s.text for s in strips)
    if width > 20:  # long values go on in the next line
        text = " ".join(s.text for s in strips)
        assert "Ankle" in text
        assert "boot" in text


CHANGES: list[ev.AnyFact] = [
    ev.Changed(at=5.0, what="epochs", old=5, new=18, step=340, epoch=1),
    ev.Changed(at=6.0, what="lr", old=0.13, new=0.065, step=1350, epoch=1),
    ev.Changed(at=6.0, what="valid", old=1, new=0, step=400, epoch=2),
]


def test_what_was_changed_shows_what_holds_now_and_what_was_given() -> None:
    found = facts(state_of(*CHANGES))
    assert found["epochs"] == ("18", "5 default, changed at step 340")
    assert found["lr"] == ("0.1", "0.2 given, changed at step 1,350")  # the schedule's, not that of the step
    assert found["validate"] == ("off", "from epoch 3 on, changed at step 400")
    assert "validate" not in facts(state_of())
    again = ev.Changed(at=7.0, what="lr", old=0.01, new=0.04, step=1360, epoch=1)
    on = ev.Changed(at=7.0, what="valid", old=0, new=1, step=500, epoch=3)
    found = facts(state_of(*CHANGES, again, on))
    assert found["lr"] == ("0.4", "0.2 given, last changed at step 1,360")
    assert found["validate"] == ("on", "from epoch 4 on, changed at step 500")
    back = ev.Changed(at=7.0, what="epochs", old=18, new=5, step=341, epoch=1)
    assert facts(state_of(*CHANGES, back))["epochs"] == ("5", "default, changed and back again")


def test_a_change_that_a_resumed_run_has_undone_is_not_shown() -> None:
    resumed = ev.RunResumed(at=8.0, step=345, epoch=0, phase="train", batch=5)
    found = facts(state_of(*CHANGES, resumed))
    assert found["epochs"][0] == "18"
    assert found["lr"] == ("0.2", "given")
    assert "validate" not in found


def test_a_resumed_run_that_was_asked_for_more_epochs_says_so() -> None:
    more = [fact for fact in Recording(epochs=8).start() if isinstance(fact, ev.FitStarted)]
    resumed = ev.RunResumed(at=8.0, step=5, epoch=0, phase="train", batch=5)
    assert facts(state_of(resumed, *more))["epochs"] == ("8", "5 default, changed when it was resumed")
    assert facts(state_of(resumed))["epochs"] == ("5", "default")


def test_changes_of_a_fit_that_is_not_known_are_left_out() -> None:
    state = RunState()
    for fact in CHANGES:
        state.apply(fact)
    assert facts(state, RunConfig())["lr"] == ("not set", "default")


def test_a_default_rate_that_was_changed_says_so() -> None:
    config = RunConfig(model="conv", epochs=12, given=("epochs",))
    found = facts(state_of(*CHANGES), config)
    assert found["lr"] == ("0.1", "0.2 default, changed at step 1,350")
    assert found["epochs"] == ("18", "12 given, changed at step 340")


async def test_a_change_is_seen_at_once(tmp_path: Path) -> None:
    write_config(tmp_path / "config.json", CONFIG)
    async with driving(FakeSession(tmp_path, Recording().until(1, 8))) as driver:
        await driver.press("8")
        await driver.settle()
        await driver.post(*CHANGES)
        assert "18  5 default, changed at step 340" in driver.text("details")


async def test_the_pane_reads_scrolls_and_copies(tmp_path: Path) -> None:
    write_config(tmp_path / "config.json", CONFIG)
    async with driving(FakeSession(tmp_path, Recording().start()), size=(80, 24)) as driver:
        await driver.press("8")
        await driver.settle()
        text = driver.text("details")
        assert "20260101-120000-fashion-conv-ab12" in text.splitlines()[0]
        assert "0.2                   given" in text
        await driver.press("end")
        assert "in all" in driver.text("details")
        await driver.press("end", "down", "up")
        assert "in all" not in driver.text("details") or "30,154" in driver.text("details")
        await driver.press("home")
        assert driver.text("details") == text
        await driver.press("C")
        rows = [row.split("\t") for row in driver.app.clipboard.splitlines()]
        assert ["lr", "0.2", "given"] in rows
        assert ["host", "box"] in rows


async def test_a_configuration_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    async with driving(FakeSession(tmp_path, Recording().start())) as driver:
        await driver.press("8")
        await driver.settle()
        assert "cannot read the configuration" in driver.text("details")


def test_names_in_wide_characters_are_all_there() -> None:
    data = next(fact for fact in Recording().start() if isinstance(fact, ev.DataLoaded))
    names = [f"漢字{i}靴靴靴" for i in range(40)]
    state = state_of(msgspec.structs.replace(data, classes=names))
    text = "".join(strip.text for strip in details(state, CONFIG, Path("/runs/a"), Frame(70, 150, COLORS)))
    assert [name for name in names if name not in text] == []
