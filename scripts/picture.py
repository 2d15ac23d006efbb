"""Draw the screen of a run as a picture, without a terminal: `python scripts/picture.py RUN FILE.svg --size 120x40`."""

from __future__ import annotations

import argparse
from pathlib import Path

from miniai.run.directory import find_run
from tui.export_svg import allow_colors

allow_colors()


def main() -> None:
    """Read the arguments and draw."""
    from tui.app import MonitorApp
    from tui.compare_app import CompareApp
    from tui.compare_runs import find_runs
    from tui.picture import RecordedSession, picture
    from tui.remembered import Preferences

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", help="a run's folder, its id, or 'last'")
    parser.add_argument("file", type=Path, help="the SVG file to write")
    parser.add_argument("--run-dir", type=Path, default=Path("runs"))
    parser.add_argument("--size", default="120x40", help="columns x rows")
    parser.add_argument("--theme", default="dark")
    parser.add_argument("--keys", default="", help="keys to press first, by commas")
    parser.add_argument("--compare", action="append", default=[], help="another run to compare it with")
    arguments = parser.parse_args()
    columns, rows = (int(n) for n in arguments.size.split("x"))
    look = Preferences(typed={"theme": arguments.theme})
    if arguments.compare:
        runs = find_runs([arguments.run, *arguments.compare], arguments.run_dir)
        app: MonitorApp = CompareApp(runs, preferences=look, follow=False)
    else:
        app = MonitorApp(RecordedSession(find_run(arguments.run, arguments.run_dir)), preferences=look)
    keys = [key for key in arguments.keys.split(",") if key]
    arguments.file.write_text(picture(app, (columns, rows), keys), encoding="utf-8")


if __name__ == "__main__":
    main()
