"""A terminal whose locale names another codeset than UTF-8 gets the log, with the reason; all others get the screen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest

from miniai.config import RunConfig
from miniai.run import events as ev
from miniai.run.directory import create_run
from tests.terminal.place import Place
from tests.terminal.term import Term
from tests.tui.recorded import Recording

SCREEN = b"\x1b[?1049h"


@contextmanager
def under(place: Place, argv: list[str], **environment: str) -> Iterator[Term]:
    """A command in a terminal, with these variables and no other words of the locale."""
    # By `env`, as a shell does it: a Python in between would set LC_CTYPE for the commands that it starts.
    words = [f"{name}={value}" for name, value in environment.items()]
    term = Term(["env", "-u", "LANG", "-u", "LC_CTYPE", *words, *argv], place.folder, place.env())
    try:
        yield term
    finally:
        term.close()


def attach(place: Place) -> list[str]:
    """The command that shows a finished run."""
    place.runs.mkdir()
    run = create_run(place.runs, RunConfig(model="conv"))
    start, *told = Recording(epochs=1).whole()
    assert isinstance(start, ev.RunStarted)
    facts = [msgspec.structs.replace(start, pid=0), *told]
    run.journal.write_bytes(b"".join(ev.encode(fact) + b"\n" for fact in facts))
    return place.command("attach", str(run.path))


@pytest.mark.parametrize(
    "environment", [{"LC_ALL": "en_US.ISO-8859-1"}, {"LANG": "ja_JP.eucJP"}, {"LC_CTYPE": "de_DE@euro"}]
)
def test_another_codeset_is_the_reason(place: Place, environment: dict[str, str]) -> None:
    """None of these locales need be installed: Python would take the terminal as UTF-8, and hide what was set."""
    ((name, value),) = environment.items()
    with under(place, attach(place), **environment) as term:
        assert term.exit() == 2
        said = bytes(term.raw).decode()
        assert f"attach needs a terminal: {name}={value} says" in said
        assert f"(if it is, set {name}=C.UTF-8)" in said
        assert SCREEN not in term.raw


@pytest.mark.parametrize(
    "environment",
    [{}, {"LC_ALL": "C"}, {"LANG": "en_US.UTF-8"}, {"TERM": "linux"}, {"TERM": "vt220", "LC_ALL": "POSIX"}],
)
def test_no_codeset_or_utf8_shows_the_screen(place: Place, environment: dict[str, str]) -> None:
    with under(place, attach(place), **environment) as term:
        term.wait("✓ done")
        assert SCREEN in term.raw
        term.send("q")
        assert term.exit() == 0


def test_a_fit_writes_a_log_instead(place: Place) -> None:
    with under(place, place.fit("--run-dir", str(place.runs), epochs=1), LC_ALL="en_US.ISO-8859-1") as term:
        assert term.exit(60) == 0
        assert SCREEN not in term.raw
        said = " ".join(bytes(term.raw).decode().split())
        assert "C.UTF-8): writing a log instead of showing the screen" in said
        assert "epoch 1/1" in said
