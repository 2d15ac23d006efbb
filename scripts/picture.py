"""Draw the screen of a run as a picture, without a terminal: `python scripts/picture.py RUN FILE.svg --size 120x40`."""

from __future__ import annotations

import argparse
import asyncio
import re
from pathlib import Path

from miniai.run.directory import find_run
from tui.app import MonitorApp
from tui.attach import AttachedSession


async def draw(name: str, root: Path, file: Path, size: tuple[int, int], keys: list[str]) -> None:
    """Attach to the run, wait until everything there is was read and drawn, press `keys`, save the picture."""
    app = MonitorApp(AttachedSession(find_run(name, root)))
    async with app.run_test(size=size) as pilot:
        for _ in range(40):
            await pilot.pause(0.1)
        for key in keys:
            await pilot.press(key)
            await pilot.pause(0.5)
        picture = re.sub(r"@font-face \{.*?\}\s*", "", app.export_screenshot(title=" "), flags=re.DOTALL)
        file.write_text(picture.replace("Fira Code", "DejaVu Sans Mono"), encoding="utf-8")  # nothing is fetched


def main() -> None:
    """Read the arguments and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", help="a run's folder, its id, or 'last'")
    parser.add_argument("file", type=Path, help="the SVG file to write")
    parser.add_argument("--run-dir", type=Path, default=Path("runs"))
    parser.add_argument("--size", default="120x40", help="columns x rows")
    parser.add_argument("--keys", default="", help="keys to press first, by commas")
    arguments = parser.parse_args()
    columns, rows = (int(n) for n in arguments.size.split("x"))
    keys = [key for key in arguments.keys.split(",") if key]
    asyncio.run(draw(arguments.run, arguments.run_dir, arguments.file, (columns, rows), keys))


if __name__ == "__main__":
    main()
