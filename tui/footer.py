"""The footer's entries: which keys it names, in which words, and what it leaves out first where room is short."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FOOTER", "Entry", "Form"]


@dataclass(frozen=True)
class Form:
    """One way to write an entry: keys that share a word."""

    ids: tuple[str, ...]
    """Bindings."""
    word: str
    paused: str = ""
    """The word while the run stands still, if it is another."""
    replay: str = ""
    """The word in a replay, which has no trainer to ask, if the key does something there."""
    span: bool = False
    """Only the first and the last key, with a dash."""


@dataclass(frozen=True)
class Entry:
    """Keys that belong together. All ranks of the footer are different; the lowest come first."""

    rank: int
    short: Form
    long_rank: int = 0
    """Rank of the long form, which takes the place of the short one where there is room; 0: there is none."""
    long: tuple[Form, ...] = ()
    going: bool = False
    """Only while the run goes; in a replay only with a word for it."""
    pane: str = ""
    """Only while this pane has the focus."""


def _one(
    rank: int, ids: str, short: str, long_rank: int = 0, long: str = "", *, paused: str = "", replay: str = "",
    going: bool = False, pane: str = "",
) -> Entry:  # fmt: skip
    known = tuple(ids.split())
    return Entry(
        rank, Form(known, short, paused, replay), long_rank, (Form(known, long, replay=replay),) if long else (),
        going=going, pane=pane,
    )  # fmt: skip


PANES = ("go_loss", "go_metrics", "go_layers", "go_images", "go_system", "go_log", "go_confusion", "go_details")

FOOTER: tuple[Entry, ...] = (
    _one(0, "pause", "pause", paused="go on", replay="pause", going=True),
    _one(5, "step", "step", 60, "one batch", replay="half epoch", going=True),
    Entry(
        3, Form(("skip_batch", "skip_epoch"), "skip"),
        11, (Form(("skip_batch",), "skip batch"), Form(("skip_epoch",), "skip epoch")), going=True,
    ),
    _one(1, "stop", "stop", going=True),
    _one(8, "validation", "valid", 61, "validation", going=True),
    _one(7, "rate", "rate", going=True),
    _one(9, "epochs", "epochs", going=True),
    _one(12, "save", "save", going=True),
    Entry(4, Form(PANES, "panes", span=True), 63, (Form(PANES, "panes"),)),
    _one(10, "layout", "layout"),
    _one(6, "maximise", "full", 62, "maximise"),
    _one(30, "log_y", "log y", pane="loss"),
    _one(31, "window", "window", pane="loss"),
    _one(32, "curves", "curves", pane="loss"),
    _one(53, "crosshair", "crosshair", pane="loss"),
    _one(54, "zoom_out zoom_in", "zoom", pane="loss"),
    _one(55, "rougher smoother", "smooth", pane="loss"),
    _one(56, "axis", "axis", pane="loss"),
    _one(57, "outliers", "outliers", pane="loss"),
    _one(58, "pan_left pan_right", "move", pane="loss"),
    _one(40, "statistic", "statistic", pane="layers"),
    _one(41, "next_images previous_images", "pages", pane="images"),
    _one(42, "images_view", "worst", pane="images"),
    _one(43, "filter", "filter", pane="log"),
    _one(44, "shares", "per cent", pane="confusion"),
    _one(15, "out", "out"),
    _one(13, "next_theme", "theme"),
    _one(14, "alerts", "alerts"),
    _one(52, "suspend", "suspend"),
    _one(50, "interrupt", "stop", 51, "copy / stop", going=True),
    _one(2, "help", "help"),
)  # fmt: skip
"""From left to right."""
