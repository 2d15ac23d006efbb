"""Keys: one list of bindings makes the keyboard, the footer, the palette and the help.

Each has an id that a keymap can re-map. `space` sends "pause" or "continue", as the screen shows it, never a toggle.
"""

from __future__ import annotations

from textual.binding import Binding
from textual.keys import format_key

__all__ = ["BINDINGS", "FOOTER", "GROUPS", "RESERVED", "key_name", "key_names"]


def _key(key: str, action: str, text: str, id_: str, tooltip: str) -> Binding:
    return Binding(key, action, text, id=id_, tooltip=tooltip, show=False)


INTERRUPT = _key("ctrl+c", "app.copy_or_stop", "copy the selection, else stop ...", "interrupt",
                 "Asks about stopping if nothing is selected")  # fmt: skip
"""Stands on the run's screen, where it takes the place of Textual's own."""
RESERVED = ("tab", "shift+tab", "ctrl+p", "up", "down", "left", "right", "enter")
"""Keys that a keymap cannot give away: panes and popups live by them."""
RUN = [
    _key("space", "pause", "pause / go on", "pause", "Stand still after the running batch, or go on"),
    _key("full_stop", "step", "one batch, then pause", "step", "Do one batch, then stand still"),
    _key("b", "skip_batch", "skip the next batch", "skip_batch", "Do not train on the next batch"),
    _key("e", "skip_epoch", "skip the rest of this half epoch", "skip_epoch",
         "On to validation; in validation: skip it"),
    _key("s", "stop", "stop the run ...", "stop", "After this batch or after this epoch"),
    _key("v", "validation", "validation on / off", "validation", "From the next epoch on"),
    _key("L", "rate", "learning rate ...", "rate", "Asks for a rate or a factor; the schedule is scaled with it"),
    _key("E", "epochs", "number of epochs ...", "epochs", "Asks for more or fewer; not fewer than have begun"),
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
    _key("5", "go('system')", "go to the system", "go_system", "Graphics cards, processors, memory, disk"),
    _key("6", "go('log')", "go to the log", "go_log", "What the trained program writes"),
    _key("7", "go('confusion')", "go to the confusion matrix", "go_confusion", "Which class is taken for which"),
    _key("8", "go('details')", "go to the run details", "go_details", "Configuration, data, model, machine"),
    _key("0", "next_layout", "next layout", "layout", "Grid, wide loss, tall layers, one pane; it is remembered"),
    _key("f", "maximise", "fill the screen with this pane", "maximise", "Show only this pane, or all again"),
    _key("escape", "out", "one step out", "out", "Close what is open, show all panes again"),
    _key("y", "pane('loss', 'toggle_log')", "log / linear y", "log_y", "Scale of the loss chart"),
    _key("r", "pane('loss', 'next_window')", "full / recent / follow", "window", "How much of the run the chart shows"),
    _key("g", "pane('loss', 'next_curves')", "next curves", "curves", "Loss, metrics, learning rate, gradient norm"),
    _key("plus", "pane('loss', 'smoother')", "smooth more", "smoother", "A longer average of the loss"),
    _key("minus", "pane('loss', 'rougher')", "smooth less", "rougher", "A shorter average; at the end none"),
    _key("x", "pane('loss', 'next_unit')", "steps / epochs / time", "axis", "What the chart's axis counts"),
    _key("o", "pane('loss', 'toggle_outliers')", "outliers", "outliers", "Hide values that are far out, or show them"),
    _key("i", "pane('loss', 'toggle_cross')", "crosshair", "crosshair", "Exact values at a step: arrows move it"),
    _key("right_square_bracket", "pane('loss', 'zoom_in')", "zoom in", "zoom_in", "Fewer steps; the wheel does it too"),
    _key("left_square_bracket", "pane('loss', 'zoom_out')", "zoom out", "zoom_out", "More steps"),
    _key("less_than_sign", "pane('loss', 'pan_left')", "chart to the left", "pan_left", "To earlier steps; or drag it"),
    _key("greater_than_sign", "pane('loss', 'pan_right')", "chart to the right", "pan_right", "To later steps"),
    _key(
        "m",
        "pane('layers', 'next_statistic')",
        "next statistic",
        "statistic",
        "Mean, deviation, share near zero, gradient, update-to-weight ratio",
    ),
    _key("n", "pane('images', 'next_page')", "next images", "next_images", "The next page of images"),
    _key("N", "pane('images', 'previous_page')", "images before", "previous_images", "The page of images before"),
    _key("p", "pane('images', 'next_view')", "other images", "images_view", "Batch, largest losses, a transform"),
    _key("percent_sign", "pane('confusion', 'toggle_shares')", "counts / per cent", "shares", "The confusion matrix"),
    _key("slash", "pane('log', 'ask_filter')", "filter the log ...", "filter", "Only lines that hold these words"),
    _key("a", "pane('alert', 'show_list')", "alerts ...", "alerts", "All alerts, the rule of each; acknowledge them"),
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
    ("go_loss go_metrics go_layers go_images go_system go_log go_confusion go_details", ("panes",), False, 7),
    ("log_y", ("log y",), False, 9),
    ("window", ("window",), False, 50),
    ("curves", ("curves",), False, 51),
    ("crosshair", ("crosshair",), False, 52),
    ("rougher smoother", ("smooth",), False, 53),
    ("axis", ("axis",), False, 54),
    ("outliers", ("outliers",), False, 55),
    ("zoom_out zoom_in", ("zoom",), False, 56),
    ("pan_left pan_right", ("move",), False, 57),
    ("statistic", ("statistic",), False, 8),
    ("next_images", ("images",), False, 10),
    ("images_view", ("worst",), False, 19),
    ("rate", ("rate",), True, 15),
    ("epochs", ("epochs",), True, 16),
    ("validation", ("validation",), True, 17),
    ("layout", ("layout",), False, 18),
    ("maximise", ("maximise",), False, 5),
    ("out", ("out",), False, 12),
    ("alerts", ("alerts",), False, 29),
    ("filter", ("filter",), False, 28),
    ("next_theme", ("theme",), False, 11),
    ("suspend", ("suspend",), False, 14),
    ("interrupt", ("copy / stop",), True, 13),
    ("help", ("help",), False, 2),
)
"""Footer entries from left to right: ids, words (while going, while paused), only while the run goes, and rank:
where room is short the highest ranks are left out."""

_NAMES = {
    "slash": "/",
    "full_stop": ".", "question_mark": "?", "escape": "esc",
    "plus": "+", "minus": "-", "left_square_bracket": "[", "right_square_bracket": "]",
    "less_than_sign": "<", "greater_than_sign": ">", "percent_sign": "%",
}  # fmt: skip


def key_name(keys: str) -> str:
    """How a key is written for people; of several the first."""
    key = keys.split(",", maxsplit=1)[0].strip()
    return _NAMES.get(key, format_key(key))


def key_names(keys: str) -> str:
    """How all keys of a binding are written for people."""
    return " ".join(key_name(key) for key in keys.split(","))
