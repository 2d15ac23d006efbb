"""Each example runs, draws its figure, and what it tells is true."""

from __future__ import annotations

import importlib
import re
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
import torch
from PIL import Image

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ["dead_activations", "initialisation", "learning_rate"]


@pytest.fixture(autouse=True)
def beside(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Scripts import what lies beside them; what they set of torch and matplotlib is undone."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    threads = torch.get_num_threads()
    with mpl.rc_context(), torch.random.fork_rng():
        yield
    torch.set_num_threads(threads)


def run(name: str, folder: Path) -> Any:
    """What the script's `main` returns; its figure must be there and have something on it."""
    figure = folder / f"{name}.png"
    found = importlib.import_module(name).main(["--quick", "--out", str(figure)])
    with Image.open(figure) as picture:
        assert picture.width > 1000
        assert picture.height > 700
        colours = picture.convert("RGB").getcolors(1 << 24)
        assert colours is not None
        assert len(colours) > 100
    return found


def table(printed: str, rows: int) -> list[list[str]]:
    """The last columns of the rows below the rule."""
    lines = printed.splitlines()
    (rule,) = [i for i, line in enumerate(lines) if re.fullmatch(r"[- ]+", line) and "--" in line]
    assert len({len(line) for line in lines[rule - 1 : rule + 1 + rows]}) == 1, "aligned"
    return [re.split(r"\s{2,}", line) for line in lines[rule + 1 : rule + 1 + rows]]


def test_a_rate_too_high_kills_the_plain_net(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fits = run("dead_activations", tmp_path)
    near_zero = importlib.import_module("_common").near_zero
    (dead, lost), (alive, learnt) = fits[0.6], fits[0.06]
    assert len(list(dead)) == 4
    shares = near_zero(list(dead)[-1])
    assert shares.min() < 0.95, "it was alive on the way"
    assert shares[-10:].min() > 0.99
    assert near_zero(list(alive)[-1])[-1] < 0.95
    assert lost.of("accuracy")[-1] < 0.2
    assert learnt.of("accuracy")[-1] > 0.35
    fast, slow = table(capsys.readouterr().out, 2)
    assert (fast[0], fast[1], slow[0]) == ("0.6", f"{lost.of('accuracy')[-1]:.3f}", "0.06")


def test_only_the_net_with_batch_norm_trains_at_the_course_s_rate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fits = run("initialisation", tmp_path)
    assert len(fits) == 6
    fast = {name: pair[0].accuracy[-1] for name, pair in fits.items()}
    slow = {name: pair[1].accuracy[-1] for name, pair in fits.items()}
    best = fast.pop("+ BatchNorm, no LSUV")
    assert max(fast.values()) < 0.2
    assert best > 0.6
    assert slow["plain"] + 0.05 < min(accuracy for name, accuracy in slow.items() if name.startswith("+ K"))
    assert min(slow["+ GeneralRelu"], slow["+ LSUV"]) > 0.7
    plain, lsuv = fits["plain"][0], fits["+ LSUV"][0]
    assert plain.stds[0] > 4 * plain.stds[-1], "the signal fades from layer to layer"
    assert lsuv.stds == pytest.approx([1] * 4, abs=0.1)
    rows = table(capsys.readouterr().out, 6)
    assert [row[0] for row in rows] == list(fits)
    assert [row[4] for row in rows] == [f"{pair[0].accuracy[-1]:.3f}" for pair in fits.values()]


def test_one_cycle_makes_use_of_a_high_rate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finder, fits = run("learning_rate", tmp_path)
    assert 1e-4 < finder.suggestion < 1e-1
    timid, suggested, high = fits.values()
    assert timid[0].accuracy[-1] + 0.05 < suggested[0].accuracy[-1]
    assert max(one.accuracy[-1] for pair in (timid, suggested) for one in pair) < high[1].accuracy[-1]
    assert set(suggested[0].rates) == {finder.suggestion}
    cycle = high[1].rates
    assert max(cycle) == pytest.approx(10 * finder.suggestion, rel=0.01)
    assert cycle[-1] < cycle[0] < max(cycle)
    assert [row[0] for row in table(capsys.readouterr().out, 3)] == list(fits)


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_that_is_not_there_is_said_before_training(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        importlib.import_module(name).main(["--out", "/nowhere/at/all.png"])
    assert exit_.value.code == 2
    assert "there is no folder /nowhere/at" in capsys.readouterr().err


def test_all_are_tested() -> None:
    assert sorted(path.stem for path in EXAMPLES.glob("[a-z]*.py")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_is_a_script_with_help(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as exit_:
        runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    assert exit_.value.code == 0
    said = capsys.readouterr().out
    for word in (f"python examples/{name}.py", "--epochs", "--seed", "--out", "--quick"):
        assert word in said


@pytest.mark.parametrize("epochs", ["0", "-1"])
def test_no_epochs_are_refused(epochs: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        importlib.import_module("dead_activations").main(["--epochs", epochs])
    assert "--epochs must be at least 1" in capsys.readouterr().err
