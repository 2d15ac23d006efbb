"""The screen as a job: ctrl+z, fg, stop signals from outside, the end of a suspended job, a start in the background."""

from __future__ import annotations

import shlex
import signal
import termios

import psutil
import pytest

from tests.terminal.place import Place, eventually
from tests.terminal.term import Term


def shell(place: Place) -> Term:
    """An interactive shell with job control."""
    term = place.term(["bash", "--norc", "--noprofile", "-i"])
    term.send("PS1='ready> '; set +o emacs; bind 'set enable-bracketed-paste off' 2>/dev/null; clear\n")
    term.wait(r"^ready>")
    return term


def suspended(place: Place, command: str) -> Term:
    """A shell in which ctrl+z has suspended `command`, a fit, once it trained."""
    term = shell(place)
    term.send(f"{command}\n")
    term.wait("● training")
    term.send("\x1a")
    term.wait("Stopped")
    term.until(lambda: is_usable(term), "a usable shell")
    return term


def is_usable(term: Term) -> bool:
    """Whether the shell's terminal is as a shell wants it, not as it was before the shell: readline changes it."""
    flags = termios.tcgetattr(term.slave)[3]
    return not term.modes and bool(flags & termios.ISIG) and "ready>" in term.text


def test_suspend_and_come_back(place: Place) -> None:
    term = suspended(place, shlex.join(place.fit()))
    step = place.step
    term.send("echo ask$((40+2))\n")
    term.wait("ask42")
    term.until(lambda: place.step > step + 20, "training behind the suspended screen")
    term.send("fg\n")
    term.wait("● training")
    assert 1049 in term.modes
    shown = place.step
    term.until(lambda: place.step > shown, "batches")
    term.stop()
    term.wait("fashion, mlp: stopped")
    term.send("echo code $?\n")
    term.wait("code 0")
    term.until(lambda: is_usable(term), "a usable shell")
    assert place.ended == "stopped"


def test_the_whole_job_is_suspended(place: Place) -> None:
    """What started the screen and waits for it stops too: else no shell comes back."""
    term = suspended(place, f"sh -c {shlex.quote(shlex.join(place.fit()) + '; true')}")
    step = place.step
    term.until(lambda: place.step > step + 20, "training behind the suspended screen")
    term.send("fg\n")
    term.wait("● training")
    shown = place.step
    term.until(lambda: place.step > shown, "batches")
    term.stop()
    term.wait("fashion, mlp: stopped")
    term.until(lambda: is_usable(term), "a usable shell")


@pytest.mark.usefixtures("forked")
def test_bg_leaves_it_suspended(place: Place) -> None:
    """A screen in the background must not draw over the prompt; fg still brings it back."""
    term = suspended(place, shlex.join(place.fit()))
    before = len(term.raw)
    (screen,) = screens(term)
    term.send("clear; bg\n")
    term.wait("&$")
    term.until(lambda: screen.status() == psutil.STATUS_STOPPED, "a screen that is stopped again")
    term.send("echo ask$((40+2))\n")
    term.wait("ask42")
    assert b"\x1b[?1049h" not in term.raw[before:]
    assert is_usable(term)
    term.send("fg\n")
    term.wait("● training")
    term.stop()
    term.wait("fashion, mlp: stopped")


def screens(term: Term) -> list[psutil.Process]:
    """Those processes that the shell in `term` has started."""
    return [p for p in psutil.Process(term.pid).children() if "tui" in p.cmdline()]


@pytest.mark.usefixtures("forked")
def test_a_suspended_screen_can_be_ended(place: Place) -> None:
    """TERM to a suspended screen: the run stops, and the shell's terminal is left alone."""
    term = suspended(place, shlex.join(place.fit()))
    before = len(term.raw)
    (screen,) = screens(term)
    term.send("kill %1\n")
    term.until(lambda: not screen.is_running(), "the screen's end")
    term.send("\n")
    term.wait("Exit 143")
    assert place.ended == "stopped"
    assert b"\x1b[?1049" not in term.raw[before:]
    assert is_usable(term)


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize("worker", ["process", "thread"])
def test_stopped_from_outside_and_continued(place: Place, worker: str) -> None:
    """The terminal is in order while the screen is stopped, and all is drawn anew after that."""
    term = place.term(place.fit("--worker", worker))
    term.wait("● training")
    for _ in range(2):
        term.signal(signal.SIGTSTP)
        term.until(lambda: psutil.Process(term.pid).status() == psutil.STATUS_STOPPED, "a stopped screen")
        term.pump()
        assert term.sane
        step, drawn = place.step, len(term.raw)
        if worker == "process":
            term.until(lambda step=step: place.step > step + 20, "training behind it")  # type: ignore[misc]
        assert len(term.raw) == drawn
        term.signal(signal.SIGCONT)
        for pane in ("1 loss", "2 metrics", "3 layers", "4 images", "● training"):
            term.wait(pane)
        assert {1000, 1003, 1006, 1049, 2004, 25} <= term.modes
        step = place.step
        term.until(lambda step=step: place.step > step + 20, "training under the screen")  # type: ignore[misc]
    term.stop_and_quit()
    assert place.ended == "stopped"


def test_a_terminal_that_is_closed_over_a_suspended_screen(place: Place) -> None:
    """The shell and its job go; the run does not."""
    term = suspended(place, shlex.join(place.fit(epochs=3)))
    (screen,) = screens(term)
    term.hang_up()
    eventually(lambda: not screen.is_running() or screen.status() == psutil.STATUS_ZOMBIE, "the screen's end")
    assert not place.ended
    eventually(lambda: place.ended == "done", "the run's own end")
    eventually(place.trainer_is_gone, "the trainer's end")
    assert [fact["ended"] for fact in place.facts("EpochEnded")] == ["complete"] * 6


@pytest.mark.usefixtures("forked")
def test_a_terminal_that_is_closed_over_a_stopped_thread_worker(place: Place) -> None:
    """The hang-up wakes it, and it trains to its end without a screen."""
    term = place.term(place.fit("--worker", "thread", epochs=1))
    term.wait("● training")
    term.signal(signal.SIGTSTP)
    term.until(lambda: psutil.Process(term.pid).status() == psutil.STATUS_STOPPED, "a stopped screen")
    term.hang_up()
    assert term.exit() == 0
    assert place.ended == place.info()["ended"] == "done"
    assert [fact["ended"] for fact in place.facts("EpochEnded")] == ["complete"] * 2


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
