"""The table of `runs`: it fits, it is aligned, and what it calls a run is what other commands take."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from miniai.config import RunConfig
from miniai.run.directory import create_run, find_run
from miniai.run.status import RunStatus, State
from tui import runs
from tui.overview import Best, Overview
from tui.runs_table import SIGNS, age, short_name, table


def one(state: State = "done", **more: Any) -> Overview:
    words = {"elsewhere": "on gpu7, last sign 12 s ago"}.get(state, state)
    fields: dict[str, Any] = {
        "id": "20260101-000000-fashion-conv-abcd", "path": "/x", "created": 1000.0, "dataset": "fashion",
        "model": "conv", "done": 3, "epochs": 5, "seconds": 81.0, "best": Best("accuracy", 0.8512, 3),
        "status": RunStatus(state=state, words=words),
    }  # fmt: skip
    return Overview(**{**fields, **more})


def test_the_whole_table_where_there_is_room() -> None:
    found = [one("running"), one("elsewhere", epochs=100, done=99, best=None)]
    assert table(found, [], 1000 + 7 * 3600) == (
        "run                                state        dataset  model  epochs  best             time  age\n"
        "20260101-000000-fashion-conv-abcd  ● running    fashion  conv      3/5  accuracy 0.8512  1:21  7 h\n"
        "20260101-000000-fashion-conv-abcd  → elsewhere  fashion  conv   99/100                   1:21  7 h"
        "  on gpu7, last sign 12 s ago\n"
    )


def test_eighty_columns() -> None:
    found = [one("running"), one("crashed", id="20260101-000000-fashion-conv-beef")]
    assert table(found, [overview.id for overview in found], 1000 + 90, 80) == (
        "run   state      dataset  model  epochs  best             time    age\n"
        "abcd  ● running  fashion  conv      3/5  accuracy 0.8512  1:21  2 min\n"
        "beef  ✗ crashed  fashion  conv      3/5  accuracy 0.8512  1:21  2 min\n"
    )


TEXT = st.text("aé漢\x1b\x9b\t\u202e ", max_size=50)
OVERVIEWS = st.builds(
    one,
    state=st.sampled_from(sorted(SIGNS)),
    id=TEXT.map(lambda text: f"20260101-000000-{text}-abcd"),
    dataset=TEXT,
    model=TEXT,
    done=st.integers(0, 10**6),
    epochs=st.integers(0, 10**6),
    seconds=st.floats(0, 1e7),
    created=st.floats(-1e9, 2e9),
    best=st.none() | st.builds(Best, TEXT, st.floats(allow_nan=False), st.integers(1, 9)),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(OVERVIEWS, min_size=1, max_size=4), st.integers(60, 200), st.booleans())
def test_any_table_fits_and_is_aligned(found: list[Overview], width: int, color: bool) -> None:
    text = table(found, [overview.id for overview in found], 2e9, width, color=color)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert all(line.isprintable() for line in plain.split("\n"))
    lines = plain.splitlines()
    assert len(lines) == len(found) + 1
    names = max(cell_len(line.split("  ")[0]) for line in lines)
    assert all(cell_len(line) <= max(width, names + 20) for line in lines)


def test_colour_only_where_it_was_asked_for() -> None:
    assert "\x1b[31m✗ crashed\x1b[0m" in table([one("crashed")], [], 0.0, 80, color=True)
    assert "\x1b" not in table([one("crashed")], [], 0.0, 80)


def test_no_escapes_in_a_pipe_and_none_with_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert runs._wants_color()
    assert not runs._is_terminal()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not runs._wants_color()


IDS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["2026", "abcd", "fa01"])), min_size=1, max_size=6, unique=True
).map(lambda found: [f"20260101-00000{n}-fashion-{m}-{end}" for n, (m, end) in enumerate(found)])


@given(IDS)
def test_a_short_name_finds_its_run_and_no_other(ids: list[str]) -> None:
    for name in ids:
        short = short_name(name, ids)
        assert [i for i in ids if i == short or i.startswith(short) or i.endswith(short)] == [name]


def test_a_short_name_is_what_attach_and_ctl_take(tmp_path: Path) -> None:
    ids = [create_run(tmp_path, RunConfig()).id for _ in range(5)]
    assert [find_run(short_name(name, ids), tmp_path).id for name in ids] == ids


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-5, "now"), (59, "now"), (61, "1 min"), (3580, "1 h"), (7 * 3600, "7 h"), (47.9 * 3600, "48 h"), (2e5, "2 d")],
)
def test_ages(seconds: float, said: str) -> None:
    assert age(seconds) == said
