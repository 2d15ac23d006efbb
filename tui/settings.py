"""Settings: what a user likes, in one typed tree; read from a file of the user's, which is never written.

`settings.toml` lies in `$XDG_CONFIG_HOME/miniai-tui` (else `~/.config/miniai-tui`); MINIAI_TUI_CONFIG names another
file. Wrong values are a UsageError of one line that names the allowed ones. What the keys `t` and `0` chose last is
remembered elsewhere (`tui.remembered`), and holds until the file says something else than it did then.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from miniai.errors import UsageError
from tui.places import PANES

__all__ = ["CALM", "GRAPHICS", "LAYOUTS", "THEMES", "Settings", "is_key", "load", "settings_file", "split_keys"]

THEMES = ("dark", "light", "contrast")
LAYOUTS = ("grid", "wide", "tall", "focus")
GRAPHICS = ("auto", "kitty", "sixel", "off")
CALM = 12.0
"""How many times rarer panes are drawn on a slow link."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the file may hold, and what `--theme`, `--layout`, `--graphics` ... say instead."""

    theme: str = THEMES[0]
    """Colours: dark, light or contrast."""
    layout: str = LAYOUTS[0]
    """How the panes are arranged: grid, wide (the loss), tall (the layers) or focus (one at a time)."""
    calm: bool = False
    """Draw rarely, for slow links."""
    keys: dict[str, str] = {}
    """A binding's id (see the help screen) to its key, or several by commas."""
    bell: bool = False
    """Ring, and tell the desktop, when there is an alert."""
    graphics: str = GRAPHICS[0]
    """Pictures in full detail: auto, where the terminal answers that it can (kitty, Ghostty); kitty, also where only
    the user knows that it draws "Unicode placeholders"; off, made of half blocks everywhere. Under tmux always off."""
    panes: tuple[str, ...] = PANES
    """Which panes stand at which places, from left to right and row by row; those that are left out come last."""


_ALLOWED: dict[str, tuple[str, ...]] = {
    "theme": THEMES, "layout": LAYOUTS, "calm": ("true", "false"), "bell": ("true", "false"), "graphics": GRAPHICS,
}  # fmt: skip


def settings_file() -> Path:
    """Where the settings are, whether they exist or not."""
    if named := os.environ.get("MINIAI_TUI_CONFIG"):
        return Path(named).expanduser()
    home = os.environ.get("XDG_CONFIG_HOME", "")
    folder = Path(home) if os.path.isabs(home) else Path("~/.config").expanduser()
    return folder / "miniai-tui" / "settings.toml"


def load(file: Path | None = None) -> Settings:
    """The settings in `file` (by default the user's), or the defaults if there is none; UsageError if it is wrong."""
    path = settings_file() if file is None else file
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        if file is None and "MINIAI_TUI_CONFIG" in os.environ:
            raise UsageError(f"the settings file {path} (MINIAI_TUI_CONFIG) does not exist") from None
        return Settings()
    except OSError as error:
        raise UsageError(f"the settings file {path} cannot be read: {error.strerror}") from error
    try:
        settings = _read(text)
        _check_keys(settings.keys)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
    return settings


def _read(text: bytes) -> Settings:
    for name, value in (tree := _parse(text)).items():
        if name not in Settings.__struct_fields__:
            raise UsageError(f"{name!r} is not known: choose {_either(Settings.__struct_fields__)}")
        if name in _ALLOWED and not _allowed(name, value):
            raise UsageError(f"{name} = {value!r} is not known: choose {_either(_ALLOWED[name])}")
    keys = tree.get("keys", {})
    if not isinstance(keys, dict) or not all(isinstance(key, str) for key in keys.values()):
        raise UsageError('keys is a table of names and keys: [keys], then lines like skip_batch = "b"')
    if (wrong := wrong_panes(tree.get("panes", []))) is not None:
        raise UsageError(f"panes = {wrong}: a list of different names out of {_either(PANES)}")
    return msgspec.convert(tree, Settings)


def wrong_panes(value: object) -> str | None:
    """What is not right about a list of panes; None if nothing is."""
    if not isinstance(value, list):
        return repr(value)
    strange = [name for name in value if name not in PANES]
    twice = [name for i, name in enumerate(value) if name in value[:i]]
    return f"[... {strange[0]!r} ...] is not known" if strange else f"[... {twice[0]!r} twice ...]" if twice else None


def _allowed(name: str, value: object) -> bool:
    return isinstance(value, bool) if name in ("calm", "bell") else value in _ALLOWED[name]


def _parse(text: bytes) -> dict[str, Any]:
    import msgspec.toml  # tomli's work on Python 3.10

    try:
        return msgspec.toml.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"not readable as TOML: {error}") from error


def _check_keys(keys: Mapping[str, str]) -> None:
    """Ids and keys must exist, and no two bindings may ask for the same key."""
    if not keys:
        return
    from tui.keys import GROUPS, RESERVED  # Textual: the screen needs it anyway

    own = {b.id: b.key for _, bindings in GROUPS for b in bindings if b.id}
    for id_, key in keys.items():
        if id_ not in own:
            near = difflib.get_close_matches(id_, own, n=1)
            hint = f"did you mean {near[0]}?" if near else f"choose {_either(sorted(own))}"
            raise UsageError(f"no key is called {id_!r} in [keys]: {hint}")
        for one in split_keys(key):
            if not is_key(one):
                raise UsageError(f"{id_} = {key!r} in [keys] is no key: write for example b, B, f5, ctrl+b, space")
    taken: dict[str, str] = dict.fromkeys(RESERVED, "the screen itself")
    for id_, key in {**own, **keys}.items():
        for one in split_keys(key):
            if (other := taken.setdefault(one, id_)) != id_:
                raise UsageError(f"{one!r} in [keys] would be both {other} and {id_}: give one of them another key")


def split_keys(keys: str) -> list[str]:
    """The keys of a binding as Textual calls them: "?" is "question_mark"; a UsageError if one is empty."""
    from textual.binding import Binding, InvalidBinding

    try:
        return [b.key for b in Binding.make_bindings([Binding(keys, "")])]
    except InvalidBinding as error:
        raise UsageError(f"{keys!r} in [keys] lacks a key: the comma itself is written comma") from error


def is_key(key: str) -> bool:
    """Whether a terminal may ever send a key of this name."""
    from textual.keys import Keys, format_key

    *modifiers, plain = key.split("+")
    known = plain in {k.value for k in Keys} or len(format_key(plain)) == 1  # a printable character, by its name
    return known and {"ctrl", "alt", "shift", "super", "hyper", "meta"}.issuperset(modifiers)


def _either(names: Sequence[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]])
