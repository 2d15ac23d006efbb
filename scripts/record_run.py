"""Keep a finished run as test data: `python scripts/record_run.py RUN tests/data/NAME`.

The facts stay as they were told; only what names a machine and its folders is replaced. Of the pictures those are
kept that the last facts name: one batch of each half, and the largest losses.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import msgspec

from miniai.run import events as ev
from miniai.run.directory import RunDir

HOST, FOLDER = "box", "/home/ada/work"


def record(run: RunDir, to: Path) -> None:
    """Write configuration, journal, log and pictures of `run` to the folder `to`."""
    (to / "preview").mkdir(parents=True)
    shutil.copy(run.config_file, to / "config.json")
    (to / "log.txt").write_bytes(run.log.read_bytes() if run.log.exists() else b"")
    lines, pictures = [], dict[tuple[str, str], str]()
    for line in run.journal.read_bytes().splitlines():
        fact = ev.decode(line)
        match fact:
            case ev.RunStarted():
                fact = msgspec.structs.replace(fact, host=HOST)
            case ev.EnvironmentNoted():
                fact = msgspec.structs.replace(fact, folder=FOLDER, dirty=False)
            case ev.PreviewSaved():
                pictures[fact.kind, fact.phase] = fact.file
        lines.append(ev.encode(fact))
    (to / "events.jsonl").write_bytes(b"".join(line.rstrip(b"\n") + b"\n" for line in lines))
    for file in pictures.values():
        shutil.copy(run.path / file, to / file)


def main() -> None:
    """Read the arguments and copy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="the run's folder")
    parser.add_argument("to", type=Path, help="a folder that is not there yet")
    arguments = parser.parse_args()
    record(RunDir(arguments.run), arguments.to)


if __name__ == "__main__":
    main()
