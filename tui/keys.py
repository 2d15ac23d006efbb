"""Keys: one list of bindings makes the keyboard, the palette and the help.

`tui.footer` says which of them the footer names. Each has an id that a keymap can re-map. `space` sends "pause" or
"continue", as the screen shows it, never a toggle.
"""

from __future__ import annotations

from textual.binding import Binding
from textual.keys import format_key

__all__ = ["BINDINGS", "GROUPS", "RESERVED", "key_name", "key_names"]


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
    _key("w", "save", "save a checkpoint now", "save", "After the running batch; the run can be resumed from it"),
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
    _key(
        "right_curly_bracket",
        "swap_pane(1)",
        "swap with the next pane",
        "swap_next",
        "This pane changes places with the next one; it is remembered",
    ),
    _key(
        "left_curly_bracket",
        "swap_pane(-1)",
        "swap with the pane before",
        "swap_before",
        "This pane changes places with the one before",
    ),
    _key("P", "other_pane", "another pane here", "other_pane", "A pane that has no place takes this one's place"),
    _key("R", "first_places", "panes as at first", "first_places", "Each pane where it stood at first"),
    _key("f", "maximise", "fill the screen with this pane", "maximise", "Show only this pane, or all again"),
    _key("escape", "out", "one step out", "out", "Close what is open, show all panes again"),
    _key("y", "pane('loss', 'toggle_log')", "log / linear y", "log_y", "Scale of the loss chart"),
    _key("r", "pane('loss', 'next_window')", "full / recent / follow", "window", "How much of the run the chart shows"),
    _key("g", "pane('loss', 'next_curves')", "next curves", "curves", "Loss, metrics, learning rate, gradient norm"),
    _key("plus", "pane('loss', 'smoother')", "smooth more", "smoother", "The middle of more of the last values"),
    _key("minus", "pane('loss', 'rougher')", "smooth less", "rougher", "The middle of fewer values; at the end each"),
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

_NAMES = {
    "slash": "/",
    "full_stop": ".", "question_mark": "?", "escape": "esc",
    "plus": "+", "minus": "-", "left_square_bracket": "[", "right_square_bracket": "]",
    "less_than_sign": "<", "greater_than_sign": ">", "percent_sign": "%",
    "left_curly_bracket": "{", "right_curly_bracket": "}",
}  # fmt: skip


def key_name(keys: str) -> str:
    """How a key is written for people; of several the first."""
    key = keys.split(",", maxsplit=1)[0].strip()
    return _NAMES.get(key, format_key(key))


def key_names(keys: str) -> str:
    """How all keys of a binding are written for people."""
    return " ".join(key_name(key) for key in keys.split(","))
