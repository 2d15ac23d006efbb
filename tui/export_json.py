"""A run as one JSON object: what was set, what came out, and a row for each half epoch."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from miniai.run import events as ev
from tui.compare import as_ascii, as_json
from tui.compare_read import read_now
from tui.compare_runs import Compared
from tui.export_facts import RunFacts
from tui.export_files import Place, whole_file

__all__ = ["write_json"]

LEFT_OUT = ("epoch", "phase")
"""What a row says otherwise."""


def write_json(facts: RunFacts, place: Place) -> int:
    """Write the file; returns how many half epochs it tells of."""
    path = place.file()
    run = Compared(facts.run, "A", facts.run.id)
    read_now([run])
    told: dict[str, Any] = json.loads(as_json([run]))["runs"][0]  # msgspec refuses names that are no UTF-8
    for name in ("letter", "name", "trouble"):
        del told[name]
    told["epochs"] = [_epoch(fact) for fact in facts.facts() if isinstance(fact, ev.EpochEnded)]
    with whole_file(path) as file:
        file.write(as_ascii(told).encode())
    place.written.append(path)
    return len(told["epochs"])


def _epoch(fact: ev.EpochEnded) -> dict[str, Any]:
    """As the journal has it, with epochs counted from 1."""
    held = msgspec.structs.asdict(fact)
    return {"epoch": fact.epoch + 1, "half": fact.phase} | {k: v for k, v in held.items() if k not in LEFT_OUT}
