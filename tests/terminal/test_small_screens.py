"""`lr-find` and `data` in a real terminal and without one."""

from __future__ import annotations

import json

import pytest

from tests.terminal.place import Place, eventually


def find(place: Place, *options: str) -> list[str]:
    """The command line of a search on the tiny data."""
    where = ("--data-dir", str(place.data), "--threads", "1", "--bs", "20")
    return place.command("lr-find", "fashion", *where, *options)


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize("worker", ["process", "thread"])
def test_a_search_on_the_screen(place: Place, worker: str) -> None:
    term = place.term(find(place, "--worker", worker), "slow:0.05")
    term.wait("looking for a learning rate +batch +[0-9]+")
    term.wait("loss over learning rate")
    term.send(" ")
    term.wait("‖ paused at step")
    term.send(" ")
    term.wait("● training")
    term.wait("✓ done", timeout=60)
    said = term.wait(r"learning rate ([0-9.e-]+)  is a good one to begin with")
    rate = said.group(1)
    term.wait(f"miniai-tui fit fashion .*--bs 20 --threads 1 --lr {rate}".replace(".*", ".*\n?.*"))
    term.wait(f"{rate} suggested")
    term.send("q")
    assert term.exit() == 0
    assert term.sane
    assert f"suggested learning rate: {rate}" in term.text
    assert len(place.facts("Paused")) == len(place.facts("Continued")) == 1
    assert place.facts("RateSuggested")[0]["rate"] == float(rate)
    assert place.ended == "done"


@pytest.mark.usefixtures("forked")
def test_a_search_that_is_stopped_and_looked_at_again(place: Place) -> None:
    term = place.term(find(place), "slow:0.2")
    term.wait("batch +[5-9] ", timeout=60)
    term.send("s")
    term.wait("■ stopped")
    term.wait("end +stopped on request")
    term.send("q")
    assert term.exit() == 0
    again = place.term(place.command("attach", "last"), "")
    again.wait("end +stopped on request")
    again.wait("loss over learning rate")
    again.send("q")
    assert again.exit() == 0
    assert again.sane


def test_a_search_without_a_terminal_is_lines(place: Place) -> None:
    process = place.process(find(place, "--headless"), "")
    out, err = process.communicate(timeout=90)
    assert (process.returncode, err) == (0, b"")
    lines = out.decode().splitlines()
    rate = place.facts("RateSuggested")[0]["rate"]
    tried = sum(len(fact["rates"]) for fact in place.facts("RatesTried"))
    assert sum(line[:6].strip().isdigit() for line in lines) == tried == place.facts("FitEnded")[0]["step"]
    assert lines[-1].startswith("  use it: miniai-tui fit fashion --data-dir ")
    assert lines[-1].endswith(f" --bs 20 --threads 1 --lr {rate:g}")


@pytest.mark.usefixtures("forked")
def test_a_search_as_json(place: Place) -> None:
    process = place.process(find(place, "--log-format", "json"), "")
    out, err = process.communicate(timeout=90)
    assert process.returncode == 0
    assert b"writing lines instead of showing the screen" in err
    facts = [json.loads(line) for line in out.decode().splitlines()]
    assert {"RunStarted", "RatesTried", "RateSuggested", "FitEnded"} <= {fact["is"] for fact in facts}


@pytest.mark.usefixtures("forked")
def test_a_dataset_on_the_screen(place: Place) -> None:
    term = place.term(place.command("data", "fashion", "--data-dir", str(place.data)), "")
    term.wait("◐ loading|✓ loaded")  # a trainer that was started ahead may be done first
    term.wait("✓ loaded", timeout=60)
    term.wait("classes ─ 10 · train")
    term.wait("images ─ train · all classes · page 1 of")
    term.send("p")
    term.wait("images ─ valid")
    term.send("\x1b[B\x1b[B")
    term.wait("images ─ valid · Trouser")
    term.send("q")
    assert term.exit() == 0
    assert term.sane
    assert "9  Ankle boot" in term.text  # the same in plain text, to be read later
    assert not place.runs.exists()


def test_a_dataset_left_while_it_loads(place: Place) -> None:
    term = place.term(place.command("data", "fashion", "--data-dir", str(place.data)), "late:30")
    term.wait("◐ loading")
    eventually(lambda: trainers(place), "a process that loads")
    term.send("\x1b")
    assert term.exit() == 0
    assert term.sane
    assert "left before loaded" in term.text
    eventually(lambda: not trainers(place), "the end of the process that loads")


def trainers(place: Place) -> list[int]:
    """Processes that load data for this place; their run lies in a folder of its own."""
    import psutil

    found = []
    for process in psutil.process_iter():
        try:
            mine = process.environ().get("XDG_CACHE_HOME") == str(place.folder / "cache")
            if mine and "miniai.trainer" in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


@pytest.mark.usefixtures("forked")
def test_a_dataset_that_is_not_there(place: Place) -> None:
    term = place.term(place.command("data", "fashion", "--data-dir", str(place.folder)), "")
    term.wait("✗ failed", timeout=60)
    term.send("q")
    assert term.exit() == 1
    assert term.sane
    assert "fashion: failed: " in term.text


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize("option", ["--text", "--json"])
def test_a_dataset_as_text_in_a_terminal(place: Place, option: str) -> None:
    term = place.term(place.command("data", "fashion", "--data-dir", str(place.data), option), "")
    assert term.exit(60) == 0
    assert b"\x1b[?1049h" not in term.raw
    assert "Ankle boot" in term.text
