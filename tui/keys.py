"""Keys: one list of bindings makes the keyboard, the footer, the palette and the help.

Each has an id that a keymap can re-map. `space` sends "pause" or "continue", as the screen shows it, never a toggle.
"""

from __future__ import annotations

from textual.binding import Binding

__all__ = ["BINDINGS", "FOOTER", "GROUPS", "key_name"]


def _key(key: str, action: str, text: str, id_: str, tooltip: str) -> Binding:
    return Binding(key, action, text, id=id_, tooltip=tooltip, show=False)


INTERRUPT = _key("ctrl+c", "app.copy_or_stop", "copy the selection, else stop ...", "interrupt",
                 "Asks about stopping if nothing is selected")  # fmt: skip
"""Stands on the run's screen, where it takes the place of Textual's own."""
RUN = [
    _key("space", "pause", "pause / go on", "pause", "Stand still after the running batch, or go on"),
    _key("full_stop", "step", "one batch, then pause", "step", "Do one batch, then stand still"),
    _key("b", "skip_batch", "skip the next batch", "skip_batch", "Do not train on the next batch"),
    _key("e", "skip_epoch", "skip the rest of this half epoch", "skip_epoch",
         "On to validation; in validation: skip it"),
    _key("s", "stop", "stop the run ...", "stop", "After this batch or after this epoch"),
    _key("q,ctrl+q", "ask_quit", "quit ...", "quit", "Asks what is to become of a running run"),
    INTERRUPT,
    _key("ctrl+z", "suspend_process", "suspend the screen", "suspend",
         "Training goes on; fg shows it again"),
]  # fmt: skip
VIEW = [
    _key("1", "go('loss')", "go to the loss", "go_loss", "The loss chart"),
    _key("2", "go('metrics')", "go to the metrics", "go_metrics", "The table of metrics"),
    _key("3", "go('layers')", "go to the layers", "go_layers", "The heatmap of the layers"),
    _key("4", "go('images')", "go to the images", "go_images", "What the model sees and says"),
    _key("f", "maximise", "fill the screen with this pane", "maximise", "Show only this pane, or all again"),
    _key("escape", "out", "one step out", "out", "Close what is open, show all panes again"),
    _key("y", "pane('loss', 'toggle_log')", "log / linear y", "log_y", "Scale of the loss chart"),
    _key(
        "m",
        "pane('layers', 'next_statistic')",
        "next statistic",
        "statistic",
        "Mean, standard deviation, share near zero",
    ),
    _key("n", "pane('images', 'next_page')", "next images", "next_images", "The next page of images"),
    _key("t", "next_theme", "next theme", "next_theme", "Dark, light, high contrast"),
    _key("question_mark", "help", "help", "help", "All keys"),
    _key("ctrl+l", "redraw", "redraw the screen", "redraw", "Draw every cell again"),
]
GROUPS: tuple[tuple[str, list[Binding]], ...] = (("Run", RUN), ("View", VIEW))
BINDINGS: list[Binding] = [b for b in [*RUN, *VIEW] if b is not INTERRUPT]

FOOTER: tuple[tuple[str, tuple[str, ...], bool, int], ...] = (
    ("pause", ("pause", "go on"), True, 0),
    ("step", ("one batch",), True, 6),
    ("skip_batch", ("skip batch",), True, 4),
    ("skip_epoch", ("skip epoch",), True, 3),
    ("stop", ("stop",), True, 1),
    ("go_loss go_metrics go_layers go_images", ("panes",), False, 7),
    ("log_y", ("log y",), False, 9),
    ("statistic", ("statistic",), False, 8),
    ("next_images", ("images",), False, 10),
    ("maximise", ("maximise",), False, 5),
    ("out", ("out",), False, 12),
    ("next_theme", ("theme",), False, 11),
    ("suspend", ("suspend",), False, 14),
    ("interrupt", ("copy / stop",), True, 13),
    ("help", ("help",), False, 2),
)
"""Footer entries from left to right: ids, words (while going, while paused), only while the run goes, and rank:
where room is short the highest ranks are left out."""

_NAMES = {"full_stop": ".", "question_mark": "?", "escape": "esc"}


def key_name(keys: str) -> str:
    """How a key is written for people; of several the first."""
    key = keys.split(",", maxsplit=1)[0]
    return _NAMES.get(key, key)
