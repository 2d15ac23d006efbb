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
