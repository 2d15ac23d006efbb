"""`miniai-tui data`: aligned, harmless text, whole JSON, and exit codes that mean what they say."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from miniai.facts import DatasetFacts, PixelFacts, SplitFacts
from tui import cli, data
from tui.data import as_json, as_text

FACTS = DatasetFacts(
    name="dots",
    description="Dots and \x1b[2Jdashes, " + "many of them, " * 9 + "all black.",
    source="a drawer",
    sample=True,
    note="the hub sleeps",
    features={"image": "4x3 pixels, RGB, 8 bits", "label": "one of 2 classes"},
    splits=[
        SplitFacts("train", 12_345, [12_000, 345], 0, PixelFacts([0.5, 0.25, 1.0], [0.1] * 3, [0.0] * 3, [1.0] * 3)),
        SplitFacts("valid", 2, [1, 1], 0, PixelFacts([0.5] * 3, [0.1] * 3, [0.0] * 3, [1.0] * 3)),
    ],
    classes=["do\x9bts\u202e", "長い"],
)
SHOWN = """\
dataset      dots
what         Dots and [2Jdashes, many of them, many of them, many of them, many
             of them, many of them, many of them, many of them, many of them,
             many of them, all black.
found in     a drawer (a part of the full data)
passed over  the hub sleeps
image        4x3 pixels, RGB, 8 bits
label        one of 2 classes

split   items        a class            mean pixel             deviation
train  12,345  345 to 12,000  0.5000 0.2500 1.0000  0.1000 0.1000 0.1000
valid       2              1  0.5000 0.5000 0.5000  0.1000 0.1000 0.1000

   class   train  valid
0  dots   12,000      1
1  長い      345      1
"""


def test_the_text_is_aligned_wrapped_and_harmless() -> None:
    assert as_text(FACTS, 80) == SHOWN


@pytest.mark.parametrize("width", [1, 60, 80, 300])
def test_numbers_are_whole_at_any_width(width: int) -> None:
    text = as_text(FACTS, width)
    for word in ("12,345", "345 to 12,000", "0.5000 0.2500 1.0000", "valid"):
        assert word in text
    assert [line for line in text.splitlines() if line != line.rstrip()] == []


def test_a_long_class_name_gives_way_to_the_numbers() -> None:
    facts = DatasetFacts("d", splits=[SplitFacts("train", 9, [4, 5])], classes=["a" * 200, "b"])
    rows = as_text(facts, 60).splitlines()[-2:]
    assert rows[0].endswith("a…      4")
    assert rows[1].startswith("1  b")
    assert [len(row) for row in rows] == [60, 60]


def test_what_is_not_known_is_left_out() -> None:
    facts = DatasetFacts("stream", splits=[SplitFacts("train", None), SplitFacts("test", 7)])
    assert as_text(facts) == "dataset  stream\n\nsplit  items\ntrain      ?\ntest       7\n"
    assert as_text(DatasetFacts("bare")) == "dataset  bare\n"
    facts = DatasetFacts("d", splits=[SplitFacts("train", 5, [1, 2], unlabelled=2)], classes=["a", "b"])
    assert as_text(facts).splitlines()[-1] == "   (none of them)      2"


def test_json_is_one_line_of_ascii_with_everything() -> None:
    line = as_json(FACTS)
    assert line.isascii()
    assert (line.count("\n"), line[-1]) == (1, "\n")
    assert line[:-1].isprintable()
    read = json.loads(line)
    assert read["classes"] == FACTS.classes
    assert read["splits"][0]["pixels"]["mean"] == [0.5, 0.25, 1.0]
    assert read["features"] == FACTS.features


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """No torch and no data: the facts are there at once."""
    monkeypatch.setattr(data, "_facts", lambda name, data_dir, said: FACTS)


@pytest.mark.usefixtures("known")
def test_the_command_writes_text_or_json(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert cli.main(["data", "fashion"]) == 0
    assert capsys.readouterr() == (SHOWN, "")
    assert cli.main(["data", "fashion", "--json"]) == 0
    assert capsys.readouterr() == (as_json(FACTS), "")


@pytest.mark.parametrize("typed", [["data", "fashoin"], ["data", "fashoin", "--json"]])
def test_an_unknown_name_is_one_line_with_the_known_ones(typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main(typed)
    assert exit_.value.code == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert "'fashoin' is not known: choose fashion" in said.err


def test_a_folder_without_the_data_is_one_line_and_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["data", "fashion", "--data-dir", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert str(tmp_path) in said.err


@pytest.mark.usefixtures("known")
def test_letters_that_the_output_cannot_take_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    assert cli.main(["data", "fashion"]) == 0
    assert b"1  ??" in raw.getvalue()


@pytest.mark.usefixtures("known")
def test_an_output_that_cannot_be_written_is_a_failure(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    full = Path("/dev/full")
    if full.exists():
        with full.open("w") as out:
            monkeypatch.setattr(sys, "stdout", out)
            assert cli.main(["data", "fashion"]) == 1
        assert "cannot be written: No space left on device" in capsys.readouterr().err
    monkeypatch.setattr(sys, "stdout", None)
    assert cli.main(["data", "fashion"]) == 1
    assert "it is closed" in capsys.readouterr().err


def test_ctrl_c_while_it_loads_ends_it_quietly(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> DatasetFacts:
        raise KeyboardInterrupt

    monkeypatch.setattr(data, "_facts", interrupted)
    assert cli.main(["data", "fashion"]) == 130
    assert capsys.readouterr() == ("", "")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_for_terminals_and_leaves_nothing_behind() -> None:
    shown = "\rlooking for data ...\rreading data 50 %   \r                 \r"
    for stream, expected in ((Terminal(), shown), (io.StringIO(), "")):
        said = data._Progress(stream)
        said("looking for data", 0, 0)
        said("reading data", 30_000, 60_000)
        said.clear()
        said.clear()
        assert stream.getvalue() == expected


def test_a_reader_that_left_is_no_traceback(tmp_path: Path) -> None:
    """The real command, on real data, into a pipe that nobody reads."""
    code = "import os, sys; sys.stdin.read(); from tui.cli import main; sys.exit(main(['data', 'fashion']))"
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, said = process.communicate(b"", timeout=100)
    assert said == b""
    assert process.returncode == 141


def test_the_help_of_the_command_needs_no_torch() -> None:
    code = """
import sys
from tui.cli import main
import tui.data
try:
    main(["data", "--help"])
except SystemExit:
    print(sorted(m for m in ("torch", "datasets", "numpy", "textual") if m in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "--json" in done.stdout
