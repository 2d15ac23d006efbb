"""A run's screen as a picture in a file."""

from __future__ import annotations

import os
from collections.abc import Sequence

from miniai.config import read_config
from miniai.errors import UsageError
from miniai.run.directory import RunDir
from tui.export_files import Place, whole_file

__all__ = ["allow_colors", "write_svg"]


def allow_colors() -> None:
    """Let pictures have all colours, whatever the terminal can show; to be called before Textual is imported."""
    os.environ["TEXTUAL_COLOR_SYSTEM"] = "truecolor"
    os.environ.pop("NO_COLOR", None)


def write_svg(run: RunDir, place: Place, size: tuple[int, int], theme: str, keys: Sequence[str]) -> None:
    """Draw the screen of the run, of whatever kind it is, at `size` (columns, rows) after pressing `keys`."""
    allow_colors()
    from tui.app import MonitorApp
    from tui.picture import RecordedSession, picture
    from tui.remembered import Preferences

    path = place.file()
    kind = MonitorApp
    if _job(run) == "lr-find":
        from tui.lr_find_app import LRFindApp

        kind = LRFindApp
    svg = picture(kind(RecordedSession(run), preferences=Preferences(typed={"theme": theme})), size, keys)
    with whole_file(path) as file:
        file.write(svg.encode())
    place.written.append(path)


def _job(run: RunDir) -> str:
    """What the run does; a fit if that cannot be read."""
    try:
        return read_config(run.config_file).job
    except UsageError:
        return "fit"
