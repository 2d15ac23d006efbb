"""The encoding of the terminal, as far as the locale names it: Python hides a name that the system does not know."""

from __future__ import annotations

import codecs
import os
from collections.abc import Mapping
from pathlib import Path

from tui.text import clean

__all__ = ["is_utf8", "named_codeset", "why_not_utf8"]

VARIABLES = ("LC_ALL", "LC_CTYPE", "LANG")
"""The first of them that is set and not empty says what the terminal's characters are."""
_GIVEN = Path("/proc/self/environ")
"""The environment as the process was given it."""


def is_utf8(encoding: str) -> bool:
    """Whether this is one of the names of UTF-8."""
    try:
        return codecs.lookup(encoding).name == "utf-8"
    except LookupError:
        return False


def named_codeset(locale: str) -> str:
    """The codeset that the name of a locale names: "ISO-8859-1" of "en_US.ISO-8859-1"; empty if it names none.

    "C", "POSIX" and "en_US" name none. "@euro" stands for the codeset that was made for the euro's sign.
    """
    name, _, modifier = locale.partition("@")
    codeset = name.partition(".")[2]
    return codeset or ("ISO-8859-15" if modifier.lower() == "euro" else "")


def why_not_utf8(environment: Mapping[str, str] | None = None) -> str:
    """Why the locale says that the terminal is not UTF-8, and what to set if it is; empty if it does not say so.

    A locale that names no codeset says nothing: terminals under it are UTF-8 nowadays, and Python takes them so. One
    that is not installed on this system still tells what its user's terminal shows.
    """
    environment = _given() if environment is None else environment
    name = next((name for name in VARIABLES if environment.get(name)), "")
    codeset = named_codeset(environment[name]) if name else ""
    if not codeset or is_utf8(codeset):
        return ""
    said = f"{name}={clean(environment[name], 60)}"
    return f"{said} says that the terminal's encoding is not UTF-8 (if it is, set {name}=C.UTF-8)"


def _given() -> Mapping[str, str]:
    """The locale's variables as the user has set them: Python itself sets LC_CTYPE where it knows no such locale."""
    try:
        block = _GIVEN.read_bytes()
    except OSError:
        return os.environ
    pairs = (os.fsdecode(entry).partition("=") for entry in block.split(b"\0"))
    given = {name: value for name, _, value in pairs if name in VARIABLES}
    return {name: os.environ.get(name, "") if name != "LC_CTYPE" else given.get(name, "") for name in VARIABLES}
