"""Read runs for a comparison as they are now."""

from __future__ import annotations

from collections.abc import Sequence

from miniai.run.directory import RunDir
from miniai.run.events import AnyFact
from miniai.run.status import statuses
from tui.compare_runs import Compared
from tui.follow import Follower
from tui.hand_over import joined
from tui.state.run import RunState

__all__ = ["ask_standing", "read_now", "read_state", "why_nothing"]


def read_state(run: RunDir) -> tuple[RunState, str]:
    """What the journal says up to now; and why that is nothing, or an empty text."""
    state = RunState()
    try:
        with run.journal.open("rb"):  # so that there is a reason if it cannot be
            pass
    except OSError as error:
        return state, f"its journal cannot be read: {error.strerror}"
    follower = Follower(run.journal)  # it knows what of the past holds

    def take(facts: list[AnyFact]) -> None:
        for fact in joined(facts):
            state.apply(fact)

    try:
        follower.follow(take, lambda: False)
    finally:
        follower.close()
    return state, why_nothing(run, state)


def why_nothing(run: RunDir, state: RunState) -> str:
    """Why nothing is known of a run; empty if something is."""
    if state.run is not None:
        return ""
    try:
        size = run.journal.stat().st_size
    except OSError as error:
        return f"its journal cannot be read: {error.strerror}"
    return "its journal cannot be read: it does not begin with a run's start" if size else "it has not begun"


def read_now(runs: Sequence[Compared]) -> None:
    """Read each journal to its end, and ask those that are not over how they stand."""
    for run in runs:
        run.state, run.trouble = read_state(run.run)
    ask_standing(runs)


def ask_standing(runs: Sequence[Compared]) -> None:
    """Ask the runs whose journal does not say that they are over; all together take one second at most."""
    open_ = [run for run in runs if not run.state.over]
    for run, found in zip(open_, statuses([run.run for run in open_]), strict=True):
        run.standing = "" if found.state in ("running", "paused", "starting") else found.state
