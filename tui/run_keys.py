"""RunKeys: what the keys of a run do: requests that go to the trainer, and the questions before some of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from miniai.run.control import new_id
from miniai.run.requests import (
    AnyRequest,
    Continue,
    Pause,
    Save,
    SetEpochs,
    SetLearningRate,
    SetValidation,
    SkipBatch,
    SkipEpoch,
    Step,
    Stop,
)
from tui.key_order import KeysInOrder
from tui.screens.run import RunScreen
from tui.session import Session
from tui.state.run import RunState

if TYPE_CHECKING:
    from tui.screens.prompt import RateAsked

__all__ = ["RunKeys"]


class RunKeys(KeysInOrder):
    """The part of the app that asks: of the trainer and of the user."""

    session: Session
    state: RunState
    run_screen: RunScreen
    parting = ""
    """What became of a run that was still going when the user left: "left running", "left paused" or "killed"."""
    _leaving = False

    def ask(self, kind: Callable[..., AnyRequest], **more: Any) -> None:
        """Send a request with the epoch and phase that the user sees, and show at once that it was sent."""
        if self._is_over():
            return
        progress = self.state.progress
        where = {"epoch": progress.epoch if progress.phase else -1, "phase": progress.phase}
        request = kind(id=new_id(), **where, **self.state.seen.of(kind, len(self.state.asked) > 0), **more)
        self.state.ask(request)
        self.session.request(request)
        self.run_screen.show_now("header", "keys")

    # -- keys: the run ---------------------------------------------------------------------------------------------

    def action_pause(self) -> None:
        """Pause, or go on if the run is paused."""
        self.ask(Continue if self.state.paused else Pause)

    def action_step(self) -> None:
        """One batch, then pause."""
        self.ask(Step)

    def action_skip_batch(self) -> None:
        """Skip the next batch."""
        self.ask(SkipBatch)

    def action_skip_epoch(self) -> None:
        """Skip the rest of this half epoch."""
        self.ask(SkipEpoch)

    def action_validation(self) -> None:
        """Validation off, or on again, from the next epoch on."""
        if self._is_fitting():
            self.ask(SetValidation, on=not self.state.progress.validation.last)

    def action_save(self) -> None:
        """Write a checkpoint now."""
        if self._is_fitting():
            self.ask(Save)

    def action_rate(self) -> None:
        """Ask for another learning rate."""
        from tui.screens.prompt import ask_rate

        if self._is_fitting():
            fit = self.state.fit
            self.push_screen(ask_rate(self.state.rate.now, fit is not None and fit.sched != "constant"), self._set_rate)

    def _set_rate(self, answer: RateAsked | None) -> None:
        if answer is not None:
            self.ask(SetLearningRate, factor=answer[0], lr=answer[1])

    def action_epochs(self) -> None:
        """Ask for another number of epochs."""
        from tui.screens.prompt import ask_epochs

        if self._is_fitting():
            progress = self.state.progress
            self.push_screen(ask_epochs(progress.epochs, progress.epoch + 1), self._set_epochs)

    def _set_epochs(self, answer: int | None) -> None:
        if answer is not None:
            self.ask(SetEpochs, epochs=answer)

    def _is_over(self) -> bool:
        """Whether there is nobody left to ask; says so if it is so: no key is without an answer."""
        if self.state.over:
            self.tell(f"nothing to ask for: the run is {'over' if self.state.base == 'done' else self.state.base}")
        return self.state.over

    def _is_fitting(self) -> bool:
        """Whether there is a fit to change; says so if not."""
        if self._is_over():
            return False
        if self.state.progress.phase is None:
            self.tell("not yet: training has not begun")
            return False
        return True

    def tell(self, text: str) -> None:
        """Say something in the header for a while."""
        if self.state.run is not None:  # else the header says what is waited for
            self.state.say(text)
            self.run_screen.show_now("header")

    def action_stop(self) -> None:
        """Ask when the run shall end."""
        from tui.screens.dialogs import ask_stop

        if not self._is_over():
            self.push_screen(ask_stop(), self._stop)

    def action_copy_or_stop(self) -> None:
        """Copy what is selected; else ask about stopping, and leave if there is nothing to stop."""
        if text := self.screen.get_selected_text():
            self.copy_to_clipboard(text)
            self.screen.clear_selection()
        elif self.state.over:
            self.exit()
        else:
            self.action_stop()

    def action_suspend_process(self) -> None:
        """Back to the shell, unless the training would stand still with the screen."""
        if self.session.can_leave:
            super().action_suspend_process()
        else:
            self.tell("not suspended: ctrl+z would stop the training too")

    def action_ask_quit(self) -> None:
        """Leave; ask first if a run of ours is still going."""
        from tui.screens.dialogs import ask_quit

        if self.state.over:
            self.exit()
        elif not self.session.owns:
            self._stop("leave")
        else:
            self.push_screen(ask_quit(self.session.can_leave, self.state.paused), self._quit)

    def _stop(self, answer: str | None) -> None:
        if answer in ("stop", "stop_epoch"):
            self.ask(Stop, when="batch" if answer == "stop" else "epoch")
        elif answer == "leave":
            self.parting = "left paused" if self.state.paused else "left running"
            self.session.close()
            self.exit()
        elif answer == "kill":
            self.parting = "killed"
            self.session.kill()
            self.exit()

    def _leave_if_over(self) -> None:
        if self._leaving and self.state.over:
            self.exit()

    def _quit(self, answer: str | None) -> None:
        self._leaving = answer == "stop"
        self._stop(answer)
        self._leave_if_over()
