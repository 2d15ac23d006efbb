"""Colours: one meaning, one colour, everywhere. Each theme is one `Palette`; widgets and style sheet read the same.

Train and validation are sky blue and orange, which every kind of colour vision tells apart; wrong or broken is red,
waiting or paused is violet. Signs and words stand beside all of them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache

from rich.color import Color
from rich.style import Style
from textual.theme import Theme

__all__ = ["PALETTES", "RAMPS", "Palette", "palette", "ramp", "style", "theme"]

RGB = tuple[int, int, int]


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


PALETTES: dict[str, Palette] = {
    "miniai-dark": Palette(
        dark=True, background="#0f1319", raised="#1a212b", foreground="#d6dce6", muted="#8490a2", faint="#465163",
        border="#2b3442", focus="#8fa9c9", train="#5fb4f7", train_faint="#2a4d6b", valid="#f2a552",
        wrong="#ff6277", waiting="#b8a1ff",
    ),
    "miniai-light": Palette(
        dark=False, background="#fbfbf9", raised="#ececea", foreground="#20262e", muted="#616b78", faint="#a8afb8",
        border="#d3d6da", focus="#4a6a8f", train="#0b6bbf", train_faint="#b4d3ee", valid="#b45f00",
        wrong="#c8102e", waiting="#6b47c9",
    ),
    "miniai-contrast": Palette(
        dark=True, background="#000000", raised="#000000", foreground="#ffffff", muted="#d8d8d8", faint="#909090",
        border="#a0a0a0", focus="#ffff00", train="#66ccff", train_faint="#3a7599", valid="#ffb000",
        wrong="#ff7070", waiting="#d0b0ff",
    ),
}  # fmt: skip
"""Themes by name, in the order in which `t` goes through them."""

RAMPS: dict[tuple[str, bool], tuple[str, ...]] = {
    ("diverging", True): ("#7fc7ff", "#2f7fc4", "#1c3d5e", "#171c24", "#5e4120", "#c47f2f", "#ffd08a"),
    ("diverging", False): ("#0a4f94", "#3f8fd6", "#b3d4f0", "#f3f2ee", "#f3d2a6", "#d68a2e", "#8a4a00"),
    ("sequential", True): ("#171c24", "#26375a", "#4b4f78", "#7f6a7a", "#bd8f63", "#f0c452", "#fff0a0"),
    ("sequential", False): ("#f3f2ee", "#f0dc9c", "#d9ae62", "#ad7f66", "#77586f", "#43366b", "#171c4d"),
}
"""Stops of the heat scales by (kind, dark); blue against orange, and blue to yellow: colour-blind safe."""


def palette(name: str) -> Palette:
    """The palette of a theme; the dark one where the theme is not ours."""
    return PALETTES.get(name, PALETTES["miniai-dark"])


def theme(name: str) -> Theme:
    """The Textual theme of a palette, its colours also as variables: `$train`, `$valid`, `$muted` ..."""
    p = PALETTES[name]
    variables = {k.replace("_", "-"): v for k, v in asdict(p).items() if isinstance(v, str)}
    variables |= {"scrollbar": p.border, "scrollbar-background": p.background, "footer-key-foreground": p.focus}
    return Theme(
        name=name, dark=p.dark, primary=p.train, secondary=p.valid, accent=p.focus, warning=p.waiting, error=p.wrong,
        success=p.train, foreground=p.foreground, background=p.background, surface=p.background, panel=p.raised,
        variables=variables,
    )  # fmt: skip


def _rgb(color: str) -> RGB:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


@lru_cache(maxsize=8)
def ramp(kind: str, dark: bool, steps: int = 31) -> tuple[RGB, ...]:
    """`steps` colours of a heat scale; few, so that neighbours are often equal and cost no bytes."""
    stops = [_rgb(c) for c in RAMPS[kind, dark]]
    colors = []
    for i in range(steps):
        at = i * (len(stops) - 1) / (steps - 1)
        k = min(int(at), len(stops) - 2)
        part = at - k
        colors.append(tuple(round(a + (b - a) * part) for a, b in zip(stops[k], stops[k + 1], strict=True)))
    return tuple((r, g, b) for r, g, b in colors)


@lru_cache(maxsize=16_384)
def style(fg: str | RGB | None = None, bg: str | RGB | None = None, bold: bool = False) -> Style:
    """A cached Rich style."""
    return Style(color=_color(fg), bgcolor=_color(bg), bold=bold or None)


def _color(color: str | RGB | None) -> Color | None:
    if color is None:
        return None
    return Color.from_rgb(*(_rgb(color) if isinstance(color, str) else color))
