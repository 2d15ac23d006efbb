"""The screen as a job of a real shell: ctrl+z, fg, kill of a suspended job, and a start in the background."""

from __future__ import annotations

import shlex
import termios

from tests.terminal.place import Place
from tests.terminal.term import Term


def shell(place: Place) -> Term:
    """An interactive shell with job control."""
    term = place.term(["bash", "--norc", "--noprofile", "-i"])
    term.send("PS1='ready> '; set +o emacs; bind 'set enable-bracketed-paste off' 2>/dev/null; clear\n")
    term.wait(r"^ready>")
    return term


def is_usable(term: Term) -> bool:
    """Whether the shell's terminal is as a shell wants it, not as it was before the shell: readline changes it."""
    flags = termios.tcgetattr(term.slave)[3]
    return not term.modes and bool(flags & termios.ISIG) and "ready>" in term.text


def test_suspend_and_come_back(place: Place) -> None:
    term = shell(place)
    term.send(shlex.join(place.fit()) + "\n")
    term.wait("● training")
    term.send("\x1a")
    term.wait("Stopped")
    term.until(lambda: is_usable(term), "a usable shell")
    step = place.step
    term.send("echo ask$((40+2))\n")
    term.wait("ask42")
    term.until(lambda: place.step > step + 20, "training behind the suspended screen")
    term.send("fg\n")
    term.wait("● training")
    assert 1049 in term.modes
    shown = place.step
    term.until(lambda: place.step > shown, "batches")
    term.send("s")
    term.wait("after this batch")
    term.send("s")
    term.wait("■ stopped")
    term.send("q")
    term.wait("fashion, mlp: stopped")
    term.send("echo code $?\n")
    term.wait("code 0")
    term.until(lambda: is_usable(term), "a usable shell")
    assert place.ended == "stopped"


def test_a_suspended_screen_can_be_ended(place: Place) -> None:
    """TERM to a suspended screen: the run stops, and the shell's terminal is left alone."""
    term = shell(place)
    term.send(shlex.join(place.fit()) + "\n")
    term.wait("● training")
    term.send("\x1a")
    term.wait("Stopped")
    term.until(lambda: is_usable(term), "a usable shell")
    before = len(term.raw)
    term.send("kill %1; wait %1; echo code $?\n")
    term.wait("code 143")
    assert place.ended == "stopped"
    assert b"\x1b[?1049" not in term.raw[before:]
    assert is_usable(term)


def test_started_in_the_background(place: Place) -> None:
    """No screen over somebody's prompt: a log, and one line that says why."""
    term = shell(place)
    term.send(shlex.join(place.fit("--log-every", "0.2", epochs=1)) + " &\n")
    term.wait("miniai-tui: the command was started in the background: writing a log")
    term.wait(r"done after 100 steps")
    term.send("wait; echo over\n")
    term.wait("^over")
    assert not {1049, 1000, 25} & term.modes
    assert b"\x1b[?1049h" not in term.raw
    assert place.ended == "done"
