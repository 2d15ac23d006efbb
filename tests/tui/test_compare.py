"""`compare` without a screen: which runs are meant, in what they differ, what came out; as text and as JSON."""

from __future__ import annotations

import json
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import msgspec
import pytest

from miniai.errors import UsageError
from miniai.run import events as ev
from tests.tui.compared import make_run, resumed, three
from tests.tui.recorded import Recording
from tests.tui.test_panes_contract import EVIL
from tui import cli
from tui.compare import as_json, as_text
from tui.compare_read import read_now
from tui.compare_runs import Compared, Result, differing, find_runs, results, settings
from tui.overview import overviews


def read(root: Path) -> list[Compared]:
    runs = three(root)
    read_now(runs)
    return runs


def row(found: list[Result], name: str) -> Result:
    return next(r for r in found if r.name == name)


def test_runs_have_letters_and_short_names(tmp_path: Path) -> None:
    runs = three(tmp_path)
    assert [(run.letter, run.name) for run in runs] == [("A", "conv-aa11"), ("B", "mlp-bb22"), ("C", "conv-cc33")]


def test_runs_whose_short_names_are_the_same_keep_their_long_ones(tmp_path: Path) -> None:
    ids = ["20260101-120000-fashion-conv-aa11", "20260102-120000-fashion-conv-aa11", "mine"]
    for id_ in ids:
        make_run(tmp_path, id_)
    assert [run.name for run in find_runs(ids, tmp_path)] == ids


@pytest.mark.parametrize(
    ("names", "words"),
    [(["aa11"], "2 to 8 runs"), (["aa11"] * 9, "2 to 8 runs at once, not 9"), (["aa11", "aa11"], "named twice")],
)
def test_too_few_too_many_or_the_same(tmp_path: Path, names: list[str], words: str) -> None:
    three(tmp_path)
    with pytest.raises(UsageError, match=words):
        find_runs(names, tmp_path)


def test_a_link_to_a_run_is_that_run(tmp_path: Path) -> None:
    three(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "20260101-120000-fashion-conv-aa11")
    with pytest.raises(UsageError, match="named twice"):
        find_runs(["aa11", str(tmp_path / "link")], tmp_path)


def test_settings_hold_what_the_model_chose_by_itself(tmp_path: Path) -> None:
    runs = read(tmp_path)
    made = settings(runs[1])
    assert (made["model"], made["lr"], made["bs"], made["opt"]) == ("mlp", 0.5, 512, "sgd")
    assert made["parameters"] == 30_154
    assert "given" not in made
    assert "lr_start" not in made


def test_settings_of_a_newer_version_are_compared_too(tmp_path: Path) -> None:
    runs = three(tmp_path)
    config = runs[0].run.config_file
    config.write_text(json.dumps({**json.loads(config.read_text()), "invented": [1, 2]}))
    read_now(runs)
    assert "invented" in differing([settings(run) for run in runs])


def test_only_what_differs_is_listed(tmp_path: Path) -> None:
    names = differing([settings(run) for run in read(tmp_path)])
    assert names == ["model", "epochs", "lr"]
    assert differing([{}, {"a": 1}, {"a": 1}]) == []
    assert differing([{"a": 1}, {"a": 2}]) == ["a"]
    assert differing([{"a": 1}, {"b": 1}]) == ["a", "b"]


def test_what_came_out(tmp_path: Path) -> None:
    runs = read(tmp_path)
    found = results(runs)
    best = row(found, "best valid accuracy")
    ends = [e for e in Recording(epochs=3).whole() if isinstance(e, ev.EpochEnded) and e.phase == "valid"]
    values = [float(e.metrics["accuracy"]) for e in ends]
    assert best.values[0] == max(values)
    assert best.best == best.values.index(max(best.values))
    assert found[found.index(best) + 1].values[0] == values.index(max(values)) + 1
    assert row(found, "epochs").texts == ["3/3", "2/2", "1/5"]
    assert row(found, "steps").values == [354, 236, 178]
    assert row(found, "images/s").values[0] == pytest.approx(512 / 0.041, rel=1e-6)
    assert row(found, "state").texts == ["done", "done", "elsewhere"]  # its host is another one


def test_a_resumed_run_counts_once(tmp_path: Path) -> None:
    first, again = Recording(epochs=2), Recording(epochs=2, seed=9)
    facts = resumed(first.until(1, 60), 118, [*again.start()][1:])
    again.step, again.at = 118, first.at
    facts += [*again.half(1, "train"), *again.half(1, "valid"), ev.FitEnded(at=again.at, reason="done", step=236)]
    make_run(tmp_path, "whole", Recording(epochs=2).whole())
    make_run(tmp_path, "resumed", facts)
    runs = find_runs(["whole", "resumed"], tmp_path)
    read_now(runs)
    found = results(runs)
    assert row(found, "steps").values == [236, 236]
    assert row(found, "epochs").texts == ["2/2", "2/2"]


def test_epochs_that_are_over_are_counted_as_the_list_of_runs_counts_them(tmp_path: Path) -> None:
    """A half that was skipped is over; an epoch is, when its validation is."""
    recording = Recording(epochs=3)
    facts = list(recording.whole())
    ends = [i for i, fact in enumerate(facts) if isinstance(fact, ev.EpochEnded)]
    cut = facts[ends[2] : ends[3]]  # the second epoch's training is over, its validation is not
    skipped = msgspec.structs.replace(facts[ends[0]], ended="skipped", batches=1)
    make_run(tmp_path, "a", [*facts[: ends[0]], skipped, *facts[ends[0] + 1 : ends[2]], *cut])
    make_run(tmp_path, "b", [*facts[: ends[0]], skipped, *facts[ends[0] + 1 :]])
    runs = find_runs(["a", "b"], tmp_path)
    read_now(runs)
    assert row(results(runs), "epochs").texts == ["1/3", "3/3"]
    assert [o.done for o in overviews([run.run for run in runs])] == [1, 3]


def test_the_text_is_aligned_and_plain(tmp_path: Path) -> None:
    text = as_text(read(tmp_path))
    assert not [c for c in text if unicodedata.category(c).startswith("C") and c != "\n"]
    table = [line for line in text.splitlines() if line.startswith(("model", "lr", "best valid acc", "images/s"))]
    head = next(line for line in text.splitlines() if "A conv-aa11" in line)
    for letter in ("A conv", "B mlp", "C conv"):
        at = head.index(letter)
        assert all(line[at - 1] == " " and line[at] != " " for line in table)
    assert text.count("*") == 2  # the best accuracy and the best loss; all are equally fast
    assert "other settings are the same" in text
    assert not [line for line in text.splitlines() if line != line.rstrip()]


def test_json_is_one_object_with_plain_names(tmp_path: Path) -> None:
    told: dict[str, Any] = json.loads(as_json(read(tmp_path)))
    assert told["differences"] == ["model", "epochs", "lr"]
    first = told["runs"][0]
    assert first["id"] == "20260101-120000-fashion-conv-aa11"
    assert first["results"]["epochs"] == {"done": 3, "of": 3}
    assert first["results"]["best_valid_accuracy_at_epoch"] in (1, 2, 3)
    assert first["settings"]["lr"] == 0.2


def test_a_damaged_run_is_named_and_the_others_are_shown(tmp_path: Path) -> None:
    runs = three(tmp_path)
    runs[0].run.journal.write_bytes(b"\x00\xff no journal\n" * 40)
    runs[1].run.journal.unlink()
    read_now(runs)
    text = as_text(runs)
    assert "A  conv-aa11: its journal cannot be read: it does not begin with a run's start" in text
    assert "B  mlp-bb22: its journal cannot be read: No such file" in text
    assert row(results(runs), "state").texts[:2] == ["no data", "no data"]
    assert row(results(runs), "best valid accuracy").values[2] is not None


def test_a_torn_tail_and_foreign_lines_are_passed_over(tmp_path: Path) -> None:
    runs = three(tmp_path)
    with runs[0].run.journal.open("ab") as file:
        file.write(b'{"is":"Invented","at":1}\n{"is":"Scalars","name":"lo')
    read_now(runs)
    assert runs[0].trouble == ""
    assert runs[0].state.status == "done"


def test_words_from_outside_are_harmless(tmp_path: Path) -> None:
    facts: list[ev.AnyFact] = [
        ev.RunStarted(at=0, schema=1, run="r", wall=1.8e9, dataset=EVIL, model=EVIL, epochs=1, pid=1, host=EVIL),
        ev.FitStarted(
            at=1, epochs=1, model=EVIL, parameters=1, device=EVIL, batch_size=1, train_batches=1, valid_batches=1,
            lr=0.1, opt=EVIL, metrics=[EVIL], layers=[],
        ),
        ev.EpochEnded(at=2, epoch=0, phase="valid", metrics={"loss": 1.0, EVIL: "nan"}, batches=1, of=1, samples=1,
                      seconds=1, step=1),
    ]  # fmt: skip
    make_run(tmp_path, "evil", facts, model=EVIL)
    make_run(tmp_path, "good")
    runs = find_runs(["evil", "good"], tmp_path)
    read_now(runs)
    text = as_text(runs, every=True)
    assert not [c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs"} and c != "\n"]
    told = as_json(runs)
    assert told.isascii()
    assert told.replace("\n", "").isprintable()


def test_the_command_without_a_terminal_writes_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    three(tmp_path)
    for form in ([], ["--plain"]):
        assert cli.main(["compare", "--run-dir", str(tmp_path), "aa11", "bb22", *form]) == 0
        said = capsys.readouterr()
        assert "best valid accuracy" in said.out
        assert "\x1b" not in said.out
        assert said.err == ""
    assert cli.main(["compare", "--run-dir", str(tmp_path), "aa11", "bb22", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["runs"]) == 2


@pytest.mark.parametrize(
    ("names", "code", "words"),
    [("aa11", 2, "2 to 8"), ("aa11 nope", 1, "no run 'nope'"), ("aa11 aa11", 2, "named twice")],
)
def test_a_wrong_command_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], names: str, code: int, words: str
) -> None:
    three(tmp_path)
    assert cli.main(["compare", "--run-dir", str(tmp_path), *names.split()]) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert words in said.err


def test_nothing_that_can_be_read_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two"):
        make_run(tmp_path, name, [])
    assert cli.main(["compare", "--run-dir", str(tmp_path), "one", "two"]) == 1
    assert "none of the runs can be read: one: it has not begun" in capsys.readouterr().err


def test_neither_command_needs_torch(tmp_path: Path) -> None:
    three(tmp_path)
    code = f"""
import sys
sys.modules["torch"] = None
from tui.cli import main
root = {str(tmp_path)!r}
assert main(["compare", "--run-dir", root, "aa11", "bb22", "--plain"]) == 0
for to in ("csv", "tensorboard", "svg", "json"):
    assert main(["export", "aa11", "--run-dir", root, "--to", to, "-o", root + "/out-" + to]) == 0
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=90)
    assert (done.returncode, done.stderr) == (0, "")
