"""The command line: one clear line for each wrong value, and the configuration of what was typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from miniai.config import RunConfig
from tui import cli, options


def config(*typed: str) -> RunConfig:
    return options.config(cli._parser().parse_args(["fit", "fashion", *typed]))


def test_only_what_is_typed_is_given() -> None:
    assert config() == RunConfig(given=("dataset",))
    assert config("--epochs", "5", "--no-stats") == RunConfig(given=("dataset", "epochs", "stats"), stats=False)


def test_every_option_reaches_the_configuration() -> None:
    typed = "--model conv --epochs 7 --lr 0.5 --bs 64 --opt adam --seed 3 --device cpu --threads 2 --stats-every 9"
    made = config(*typed.split(), "--data-dir", "here")
    assert made.data_dir == str(Path("here").absolute())
    assert (made.model, made.epochs, made.lr, made.bs, made.opt) == ("conv", 7, 0.5, 64, "adam")
    assert (made.seed, made.device, made.threads, made.stats_every) == (3, "cpu", 2, 9)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("fit fashoin", ["'fashoin'", "fashion"]),
        ("fit fashion --model mpl", ["--model", "'mpl'", "conv, convbn, mlp, resnet or resnet_small"]),
        ("fit fashion --opt sdg", ["--opt", "sgd", "adamw"]),
        ("fit fashion --epochs 0", ["--epochs", "'0'", "at least 1"]),
        ("fit fashion --epochs 1.5", ["--epochs", "whole number"]),
        ("fit fashion --bs -4", ["--bs"]),
        ("fit fashion --bs 99999999999999999999999", ["--bs", "whole number"]),
        ("fit fashion --device gpu", ["--device", "'gpu'", "cuda"]),
        ("fit fashion --lr nan", ["--lr", "above 0"]),
        ("fit fashion --lr fast", ["--lr", "above 0"]),
        ("fit fashion --worker fiber", ["--worker", "process or thread"]),
        ("fit fashion --log-format xml", ["--log-format", "text or json"]),
        ("fit fashion --nonsense", ["--nonsense"]),
        ("fit", ["DATASET"]),
        ("", ["COMMAND"]),
        ("run", ["fit", "attach"]),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_allowed_ones(
    typed: str, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main(typed.split())
    said = capsys.readouterr()
    assert exit_.value.code == 2
    assert said.out == ""
    assert said.err.count("\n") == 1
    for word in words:
        assert word in said.err


def test_help_says_what_to_type(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for typed, words in (
        (["--help"], ["fit", "attach", "examples"]),
        (["fit", "--help"], ["space", "skip", "--headless", "--detach", "conv, convbn, mlp", "examples"]),
        (["attach", "--help"], ["'last'"]),
    ):
        with pytest.raises(SystemExit) as exit_:
            cli.main(typed)
        assert exit_.value.code == 0
        said = capsys.readouterr().out
        assert all(word in said for word in words)
        assert [line for line in said.splitlines() if len(line) > 80] == []


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out.startswith("miniai-tui 0.")


def test_attach_names_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["attach", "last", "--run-dir", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert said == f"miniai-tui: no run 'last' in {tmp_path}: there are none; name a run's folder, its id or 'last'\n"


def test_a_run_directory_that_cannot_be_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert cli.main(["fit", "fashion", "--headless", "--run-dir", str(tmp_path / "file")]) == 1
    assert "--run-dir" in capsys.readouterr().err
