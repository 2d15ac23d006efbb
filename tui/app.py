"""MonitorApp: messages in, keys out. It holds the state and the session; what is drawn is the panes' affair."""

from __future__ import annotations

import gc
import inspect
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.filter import ANSIToTruecolor, LineFilter
from textual.screen import Screen

from tui.colors import PALETTES, theme
from tui.graphics import know_colors
from tui.graphics_pictures import TerminalPictures
from tui.keys import BINDINGS, GROUPS, key_names
from tui.messages import GraphicsAnswered, LeaveAsked, Reported, RequestFailed, TrainerGone, TrainerSaid
from tui.panes.base import Pane
from tui.places import filled
from tui.remembered import Preferences
from tui.run_keys import RunKeys
from tui.screens.run import RunScreen
from tui.session import Session
from tui.settings import CALM, LAYOUTS, THEMES
from tui.state.run import RunState
from tui.state.summary import summary

__all__ = ["MonitorApp"]

TICK = 0.25
"""Seconds between two looks at what changed where no facts come."""


_ROUTINE = {"training", "validating"}
"""Short epochs change from one to the other many times a second: no reason to draw sooner."""


class MonitorApp(RunKeys):
    """The screen of one run."""

    TITLE = "miniai-tui"
    CSS_PATH = Path(__file__).with_name("app.tcss")
    BINDINGS: ClassVar[list[BindingType]] = list(BINDINGS)
    ENABLE_COMMAND_PALETTE = True

    def __init__(
        self,
        session: Session,
        *,
        clock: Callable[[], float] = time.monotonic,
        preferences: Preferences | None = None,
    ) -> None:
        know_colors()
        super().__init__()
        self.graphics = TerminalPictures(lambda: self.size.height)
        """Pictures that the terminal draws itself, if it can."""
        self.preferences = preferences or Preferences()
        self.session, self.clock = session, clock
        self.state = RunState()
        self.began: Callable[[], object] = bool
        """Called in the main thread once the screen is drawn: Textual's own signal handlers are in place then."""
        for name in PALETTES:
            self.register_theme(theme(name, self.console.color_system))
        settings = self.preferences.settings
        self.theme = f"miniai-{settings.theme}"
        self.slower = CALM if settings.calm else 1.0
        """How many times rarer panes are drawn than they would like."""
        self.set_keymap(settings.keys)

    # -- life ------------------------------------------------------------------------------------------------------

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Without the filter that looks in every segment for the 16 colours by name: nothing here is drawn in them."""
        return [each for each in super().get_line_filters() if not isinstance(each, ANSIToTruecolor)]

    def get_default_screen(self) -> Screen[None]:
        """The run's screen."""
        self.run_screen = RunScreen(self.session, self.state, self.clock)
        self.run_screen.arrangement = self.preferences.settings.layout
        self.run_screen.bell = self.preferences.settings.bell
        self.run_screen.order = filled(self.preferences.settings.panes)
        return self.run_screen

    def on_mount(self) -> None:
        """After the first frame: look at the state, follow the run, load what charts and pictures need."""
        self.app_resume_signal.subscribe(self, lambda _: self.action_redraw())
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self.began()
        self.run_screen.tick()
        self.set_interval(TICK, self.run_screen.tick_soon)
        self.run_worker(_preload, thread=True, group="preload")
        self.run_worker(lambda: self.session.run(self.post_message), thread=True, group="session")

    def on_unmount(self) -> None:
        """The session's worker must end: Textual waits for it."""
        self.session.close()

    def summary(self) -> str:
        """The end of the run in plain text, for the normal screen after leaving."""
        return summary(self.state, self.session.run_dir, self.parting)

    @property
    def exit_code(self) -> int:
        """0: done, stopped on request or left running; 1: failed."""
        return 1 if self.state.base == "failed" and not self.parting else 0

    # -- the session -----------------------------------------------------------------------------------------------

    @on(Reported)
    def take_facts(self, event: Reported) -> None:
        """New facts of the trainer."""
        open_, word = len(self.state.asked), (self.state.status, self.state.saying)
        for fact in event.facts:
            self.state.apply(fact)
        event.taken.set()
        if len(self.state.asked) < open_:  # the answer to a key is shown at once
            self.run_screen.show_now("header", "keys")
        elif (now := (self.state.status, self.state.saying)) != word and not {now[0], word[0]} <= _ROUTINE:
            self.run_screen.show_now("header")
        self._leave_if_over()
        self.run_screen.tick_soon()

    @on(TrainerSaid)
    def take_word(self, event: TrainerSaid) -> None:
        """A word from the session."""
        self.state.say(event.text)

    @on(RequestFailed)
    def take_failure(self, event: RequestFailed) -> None:
        """A key that reached nobody."""
        self.state.request_failed(event.request, event.text)

    @on(TrainerGone)
    def take_end(self, event: TrainerGone) -> None:
        """The trainer is gone: shown at once."""
        self.state.trainer_gone(event.text, event.log_tail)
        self.run_screen.tick()
        self._leave_if_over()

    @on(GraphicsAnswered)
    def take_graphics(self, event: GraphicsAnswered) -> None:
        """What the terminal can draw."""
        settings = self.preferences.settings
        if self.graphics.learn(event.ways, settings.graphics, settings.calm):
            self.action_redraw()
        self.run_screen.on_screen_resume()

    def on_resize(self) -> None:
        """The terminal's cells may have another size too."""
        if self.graphics.resized():
            self.action_redraw()

    @on(LeaveAsked)
    def leave_now(self) -> None:
        """A signal, or a terminal that is gone."""
        self.exit()

    # -- keys: the view --------------------------------------------------------------------------------------------

    def action_go(self, pane: str) -> None:
        """Go to a pane."""
        self.run_screen.go(pane)

    def action_maximise(self) -> None:
        """One pane, or all."""
        self.run_screen.toggle_full()

    def action_out(self) -> None:
        """One step out."""
        self.run_screen.step_out()

    async def action_pane(self, id_: str, method: str) -> None:
        """What a key of one pane does: the pane's method of that name."""
        done = getattr(self.run_screen.query_one(f"#{id_}", Pane), method)()
        if inspect.isawaitable(done):
            await done

    def action_next_theme(self) -> None:
        """Dark, light, high contrast; remembered."""
        now = self.theme.removeprefix("miniai-")
        name = THEMES[(THEMES.index(now) + 1) % len(THEMES)] if now in THEMES else THEMES[0]
        self.theme = f"miniai-{name}"
        self.preferences.remember("theme", name)

    def action_next_layout(self) -> None:
        """Another arrangement of the panes; remembered."""
        name = LAYOUTS[(LAYOUTS.index(self.run_screen.arrangement) + 1) % len(LAYOUTS)]
        self.run_screen.arrange_panes(name)
        self.preferences.remember("layout", name)
        self.tell(f"layout {name}" + ("" if self.run_screen.has_room else ": seen where there is more room"))

    def action_swap_pane(self, by: int) -> None:
        """The pane that keys go to changes places with its neighbour; remembered."""
        if self._several():
            self._placed(self.run_screen.swap_pane(by))

    def action_other_pane(self) -> None:
        """A pane without a place takes that of the one that keys go to; remembered."""
        if self._several():
            self._placed(self.run_screen.other_pane())

    def action_first_places(self) -> None:
        """Every pane where it stands at first; remembered."""
        self.run_screen.first_places()
        self._placed(True)

    def _several(self) -> bool:
        """Whether several panes have a place now; says so if not."""
        if self.run_screen.has_class("-single"):
            self.tell("places: where several panes are seen at once")
            return False
        return True

    def _placed(self, done: bool) -> None:
        if done:
            order = self.run_screen.order
            self.preferences.remember("panes", " ".join(order))
            self.tell("places: " + " ".join(order[: self.run_screen.places]))
        else:
            self.tell(f"{self.run_screen.shown} has no place among the others at this size")

    def action_help(self) -> None:
        """All keys."""
        from tui.screens.help import Help, pane_keys

        panes = {pane.id or "": pane_keys(type(pane)) for pane in self.run_screen.panes() if pane.can_focus}
        self.push_screen(Help(self.preferences.settings.keys, panes))

    def action_command_palette(self) -> None:
        """Every key's action by name."""
        from tui.screens.palette import Entry, Palette

        own = self.preferences.settings.keys
        Palette.open_on(
            self,
            [
                Entry(key_names(own.get(b.id or "", b.key)), b.description, b.tooltip, self._runner(b.action))
                for b in self.palette_bindings()
            ],
        )

    def action_redraw(self) -> None:
        """Send every cell and every picture again."""
        self.graphics.send_again()
        self.run_screen.redraw_all()
        self.screen.refresh(self.screen.size.region)

    def palette_bindings(self) -> Sequence[Binding]:
        """What the palette offers: every key's action."""
        return [binding for _, bindings in GROUPS for binding in bindings]

    def _runner(self, action: str) -> Callable[[], object]:
        return lambda: self.run_worker(self.run_action(action), group="palette")


def _preload() -> None:
    """Import what the first chart and the first picture need, while nobody waits for it."""
    import tui.history
    import tui.layer_history
    import tui.layer_spreads
    import tui.panes.thumbs
    import tui.screens.prompt  # noqa: F401

    gc.freeze()  # the collector need not walk through the modules again and again
