"""Pictures of panes as text: what is drawn, and below it which colour it has where that carries a meaning.

A snapshot is a file of `tests/tui/snapshots`, readable in a diff. `make snapshots` writes all of them anew; then look
at what changed: a snapshot of a fault is a fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
from rich.segment import Segment
from safetensors.numpy import save_file

from miniai.config import RunConfig, write_config
from miniai.run import events as ev
from tests.tui.recorded import Recording
from tui.colors import Palette
from tui.panes.base import Pane
from tui.ramps import RGB, ramp

__all__ = ["FOLDER", "LETTERS", "case_facts", "files_of_a_run", "snapshot"]

FOLDER = Path(__file__).with_name("snapshots")
LETTERS = {
    "train": "t", "train_faint": "r", "valid": "v", "wrong": "W", "waiting": "P", "focus": "k", "muted": ".",
    "faint": ":", "border": ":", "foreground": " ", "raised": "_",
}  # fmt: skip
"""Meanings of colours in a snapshot; the ink of plain words is blank."""
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
"""Places on a heat scale, from its low end."""


def snapshot(pane: Pane) -> str:
    """Title, lines, subtitle; then the lines' ink and paper, where any of it is more than a plain word."""
    colors = pane.look
    strips = [pane.render_line(y) for y in range(pane.content_size.height)]
    title = re.sub(r"(?<!\\)\[[^]]*\]", "", str(pane.border_title or pane.id))  # without its markup
    parts = [f"{title}  ({pane.content_size.width} x {len(strips)})"]
    parts += ["".join(s.text for s in strip).rstrip() for strip in strips]
    if pane.border_subtitle:
        parts.append(f"  ({pane.border_subtitle})")
    for name in ("ink", "paper"):
        rows = ["".join(_letters(s, name, colors) for s in strip).rstrip() for strip in strips]
        if any(rows):
            parts += ["", f"-- {name}", *rows]
    return "\n".join(parts).rstrip("\n") + "\n"


def _letters(segment: Segment, which: str, colors: Palette) -> str:
    """A letter a cell for the colour of its sign, or of what lies behind it."""
    held = segment.style
    if held is not None and held.reverse and which == "paper":
        return "R" * segment.cell_length
    color = None if held is None else held.color if which == "ink" else held.bgcolor
    if color is None or color.triplet is None:
        return " " * segment.cell_length
    letter = _letter((color.triplet.red, color.triplet.green, color.triplet.blue), colors)
    if which == "ink":
        return "".join(" " if sign == " " else letter for sign in segment.text.ljust(segment.cell_length))
    return (" " if color.triplet.hex == colors.background else letter) * segment.cell_length


def _letter(color: RGB, colors: Palette) -> str:
    hexed = "#{:02x}{:02x}{:02x}".format(*color)
    for name, value in asdict(colors).items():
        if value == hexed and name in LETTERS:
            return LETTERS[name]
    for kind in ("diverging", "sequential"):
        scale = ramp(kind, colors.dark, colors.depth)
        if color in scale:
            return DIGITS[scale.index(color)]
    return DIGITS[round(sum(color) / 3 / 255 * 9)]  # a picture: its brightness


# -- what is shown -------------------------------------------------------------------------------------------------


def files_of_a_run(folder: Path, pictures: int = 32) -> None:
    """What the panes read besides facts: the configuration, a log, pictures of discs that are brighter on the right."""
    (folder / "preview").mkdir(parents=True, exist_ok=True)
    write_config(folder / "config.json", RunConfig(model="conv", epochs=5, given=("dataset", "model", "epochs")))
    log = "Downloading nothing\nUserWarning: the scheduler was stepped before the optimizer\nepoch 1: fine\n"
    (folder / "log.txt").write_text(log + "Traceback (most recent call last):\nValueError: no such thing\n" * 3)
    y, x = np.mgrid[:28, :28]
    bright = (120 + 5 * x).astype(np.uint8)
    discs = [np.where(np.hypot(x - 13.5, y - 13.5) < 4 + i % 10, bright, 0) for i in range(pictures)]
    labels = np.arange(pictures) % 10
    tensors = {
        "pixels": np.stack(discs)[:, None], "labels": labels, "predictions": np.where(labels % 4 == 1, 4, labels),
        "confidences": (0.5 + labels / 20).astype(np.float32),
    }  # fmt: skip
    save_file(tensors, folder / "preview" / "batch.safetensors")
    lost = {**tensors, "losses": np.linspace(9, 2, pictures).astype(np.float32), "predictions": (labels + 1) % 10}
    save_file(lost, folder / "preview" / "worst.safetensors")
    mirrored = np.ascontiguousarray(np.stack(discs)[:, None, :, ::-1])
    save_file({**tensors, "before": mirrored}, folder / "preview" / "changed.safetensors")
    unsure = {**tensors, "confidences": np.full(pictures, np.nan, np.float32), "predictions": np.zeros_like(labels)}
    save_file(unsure, folder / "preview" / "nan.safetensors")
    one = {name: np.ascontiguousarray(tensor[1:2]) for name, tensor in tensors.items()}
    save_file(one, folder / "preview" / "one.safetensors")


def case_facts(name: str) -> Iterator[ev.AnyFact]:
    """The facts of a state: "empty", "one point", "NaN", "full"."""
    if name == "one point":
        yield from _one_point()
    elif name == "NaN":
        made = Recording(epochs=3, nan_at=150)
        yield from made.until(2, 8)
        yield ev.Alerted(at=made.at, topic="nan", text="the training loss is nan at step 150", step=150,
                         rule="a loss that is no number")  # fmt: skip
        yield made.preview("preview/nan.safetensors")
    elif name == "full":
        yield from _full()


def _one_point() -> Iterator[ev.AnyFact]:
    made = Recording(every=1)
    yield from made.until(0, 1)
    yield made.measured()
    yield made.histograms()
    yield from made.sampled(1, gpus=0)
    yield made.preview("preview/one.safetensors", count=1)


def _full() -> Iterator[ev.AnyFact]:
    """In the third epoch, with a mark, an alert and everything that a run can tell."""
    made = Recording()
    for fact in made.until(2, 74):
        yield fact
        if isinstance(fact, ev.EpochEnded) and fact.phase == "valid":
            yield made.confused(fact.epoch)
            yield made.worst("preview/worst.safetensors")
    yield ev.EnvironmentNoted(
        at=made.at, python="3.11.2", torch="2.13.0", threads=2, device="cpu", system="Linux", folder="/home/ada/work",
        revision="0123456789abcdef", branch="main", dirty=False,
    )  # fmt: skip
    yield from made.sampled(40, gpus=2)
    yield ev.Changed(at=made.at, what="lr", old=0.2, new=0.1, step=made.step)
    yield ev.Alerted(at=made.at, topic="spike", text="the training loss jumped to 4", step=made.step - 9,
                     rule="a loss above 2 times the mean")  # fmt: skip
    yield made.preview("preview/batch.safetensors")
