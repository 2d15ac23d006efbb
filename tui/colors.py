"""Colours: one meaning, one colour, everywhere. Each theme is one `Palette`; widgets and style sheet read the same.

Train and validation are sky blue and orange, which every kind of colour vision tells apart; wrong or broken is red,
waiting or paused is violet. Signs and words stand beside all of them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

from rich.color import Color
from rich.style import Style
from textual.theme import Theme

from tui.ramps import RGB, Depth, rgb

__all__ = ["PALETTES", "Palette", "palette", "style", "theme"]


@dataclass(frozen=True)
class Palette:
    """What each meaning looks like; "#rrggbb" all."""

    dark: bool
    background: str
    raised: str
    """Background of dialogs and of the status word."""
    foreground: str
    muted: str
    """Words that explain; units."""
    faint: str
    """Rules, rails, marks and raw values."""
    border: str
    focus: str
    """Border of the focused pane, keys in the footer."""
    train: str
    train_faint: str
    """Raw training loss behind the smoothed one."""
    valid: str
    wrong: str
    waiting: str
    depth: Depth = "truecolor"


PALETTES: dict[str, Palette] = {
    "miniai-dark": Palette(
        dark=True, background="#0f1319", raised="#1a212b", foreground="#d6dce6", muted="#8490a2", faint="#465163",
        border="#2b3442", focus="#8fa9c9", train="#5fb4f7", train_faint="#2a4d6b", valid="#f2a552",
        wrong="#ff6277", waiting="#b8a1ff",
    ),
    "miniai-light": Palette(
        dark=False, background="#fbfbf9", raised="#ececea", foreground="#20262e", muted="#616b78", faint="#a8afb8",
        border="#d3d6da", focus="#4a6a8f", train="#0b6bbf", train_faint="#b4d3ee", valid="#a35500",
        wrong="#c8102e", waiting="#6b47c9",
    ),
    "miniai-contrast": Palette(
        dark=True, background="#000000", raised="#000000", foreground="#ffffff", muted="#d8d8d8", faint="#909090",
        border="#a0a0a0", focus="#ffff00", train="#66ccff", train_faint="#3a7599", valid="#ffb000",
        wrong="#ff7070", waiting="#d0b0ff",
    ),
}  # fmt: skip
"""Themes by name, in the order in which `t` goes through them."""

_256 = {"border": "#3a3a3a", "faint": "#585858", "train_faint": "#005f87", "muted": "#8a8a8a", "raised": "#1c1c1c"}
_256_LIGHT = {
    "border": "#c6c6c6",
    "faint": "#a8a8a8",
    "train_faint": "#87afd7",
    "muted": "#5f5f5f",
    "raised": "#f2f2f2",
    "waiting": "#5f00d7",
}
_16 = {
    "background": "#000000", "raised": "#000000", "foreground": "#ffffff", "muted": "#aaaaaa", "faint": "#555555",
    "border": "#555555", "focus": "#ffffff", "train": "#55ffff", "train_faint": "#00aaaa", "valid": "#ffff55",
    "wrong": "#ff5555", "waiting": "#ff55ff",
}  # fmt: skip
_16_LIGHT = {
    "background": "#ffffff", "raised": "#ffffff", "foreground": "#000000", "muted": "#555555", "faint": "#aaaaaa",
    "border": "#aaaaaa", "focus": "#000000", "train": "#0000aa", "train_faint": "#00aaaa", "valid": "#aa5500",
    "wrong": "#aa0000", "waiting": "#aa00aa",
}  # fmt: skip
_FEWER: dict[tuple[str, Depth], dict[str, str]] = {
    ("miniai-dark", "256"): _256, ("miniai-light", "256"): _256_LIGHT,
    ("miniai-dark", "standard"): _16, ("miniai-light", "standard"): _16_LIGHT,
    ("miniai-contrast", "standard"): _16 | {"muted": "#ffffff", "border": "#aaaaaa", "focus": "#ffff55"},
}  # fmt: skip
"""What is exchanged where the terminal has fewer colours: rounding would mix up meanings."""


@lru_cache(maxsize=16)
def palette(name: str, colors: str | None = "truecolor") -> Palette:
    """The palette of a theme on a terminal of so many colours (Rich's names of colour systems, or "grey" for NO_COLOR).

    The dark one where the theme is not ours.
    """
    known: dict[str | None, Depth] = {"256": "256", "standard": "standard", "grey": "grey"}
    depth = known.get(colors, "truecolor")
    name = name if name in PALETTES else "miniai-dark"
    fewer: dict[str, Any] = dict(_FEWER.get((name, depth), {}))
    return replace(PALETTES[name], depth=depth, **fewer)


def theme(name: str, colors: str | None = "truecolor") -> Theme:
    """The Textual theme of a palette, its colours also as variables: `$train`, `$valid`, `$muted` ..."""
    p = palette(name, colors)
    words = {k.replace("_", "-"): v for k, v in asdict(p).items() if isinstance(v, str) and v.startswith("#")}
    words |= {"scrollbar": p.border, "scrollbar-background": p.background, "footer-key-foreground": p.focus}
    return Theme(
        name=name, dark=p.dark, primary=p.train, secondary=p.valid, accent=p.focus, warning=p.waiting, error=p.wrong,
        success=p.train, foreground=p.foreground, background=p.background, surface=p.background, panel=p.raised,
        variables=words,
    )  # fmt: skip


@lru_cache(maxsize=16_384)
def style(fg: str | RGB | None = None, bg: str | RGB | None = None, bold: bool = False) -> Style:
    """A cached Rich style."""
    return Style(color=_color(fg), bgcolor=_color(bg), bold=bold or None)


def _color(color: str | RGB | None) -> Color | None:
    if color is None:
        return None
    return Color.from_rgb(*(rgb(color) if isinstance(color, str) else color))
