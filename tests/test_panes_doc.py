"""docs/panes.md: every pane has its section and its picture, and the keys that it names are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image
from textual.binding import Binding

from tui.keys import BINDINGS, key_name
from tui.panes.alerts import AlertPane
from tui.panes.base import Pane
from tui.panes.confusion import ConfusionPane
from tui.panes.details import DetailsPane
from tui.panes.images import ImagesPane
from tui.panes.layers import LayersPane
from tui.panes.log import LogPane
from tui.panes.loss import LossPane
from tui.panes.metrics import MetricsPane
from tui.panes.system import SystemPane
from tui.screens.help import pane_keys

DOCS = Path(__file__).parents[1] / "docs"
TEXT = (DOCS / "panes.md").read_text(encoding="utf-8")
PANES: dict[str, type[Pane]] = {
    "loss": LossPane, "metrics": MetricsPane, "layers": LayersPane, "images": ImagesPane, "system": SystemPane,
    "log": LogPane, "confusion": ConfusionPane, "details": DetailsPane, "alert": AlertPane,
}  # fmt: skip
PICTURES = sorted((DOCS / "panes").glob("*.png"))


def section(name: str) -> str:
    return TEXT.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


def keys_of(text: str) -> set[str]:
    """What the tables of keys name."""
    tables = re.findall(r"^\| key \|.*\n((?:\|.*\n)+)", text + "\n", re.MULTILINE)
    cells = re.findall(r"^\| (`.*?) \|", "".join(tables), re.MULTILINE)
    return {key for cell in cells for key in re.findall(r"`(\S+?)`", cell)}


def own(name: str) -> set[str]:
    """The keys that a pane has by itself, and those that are its everywhere."""
    pane = {key for b in Binding.make_bindings(pane_keys(PANES[name])) for key in b.key.split(",")}
    names = {key_name(key) for key in pane} | pane
    arrows = {"arrows"} if {"up", "down"} <= pane else set()
    return names | arrows | everywhere(name)


def everywhere(name: str) -> set[str]:
    """The keys of a pane that serve wherever the focus is."""
    actions = (f"pane('{name}'", f"go('{name}')")
    return {key_name(b.key) for b in BINDINGS if b.action.startswith(actions)}


@pytest.mark.parametrize("name", PANES)
def test_every_pane_has_a_section_with_a_picture(name: str) -> None:
    assert re.search(r"!\[.+\]\(panes/.+\.png\)", section(name))


@pytest.mark.parametrize("name", PANES)
def test_the_keys_that_are_named_are_there_and_those_that_are_there_are_named(name: str) -> None:
    named = keys_of(section(name))
    assert named - own(name) == set()
    assert everywhere(name) - named == set()


def test_every_pane_of_the_screen_is_described() -> None:
    sections = re.findall(r"^## (\S+)$", TEXT, re.MULTILINE)
    assert sections == list(PANES)
    assert {b.action[4:-2] for b in BINDINGS if b.action.startswith("go(")} == set(PANES) - {"alert"}


def test_pictures_are_used_small_and_whole() -> None:
    used = re.findall(r"\(panes/(.+?\.png)\)", TEXT)
    assert sorted(used) == [file.name for file in PICTURES]
    for file in PICTURES:
        assert file.stat().st_size < 100_000, "draw it smaller"
        with Image.open(file) as picture:
            picture.verify()
