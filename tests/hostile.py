"""Text that a terminal would obey, in every place of a run where text can be; and what must never come out of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from miniai.config import RunConfig, write_config
from miniai.run import events as ev
from miniai.run.directory import RunDir, create_run
from tests.tui.recorded import Recording

EVIL = "ev\x1b]52;c;aGk=\x07\x1b[2J\x9b31m\x9d0;t\x9c\n\r\t\v\x00\x7f\u202e\u2066\u2028\u200fil"
"""Writes to the clipboard, clears the screen, colours and titles with C1 characters, ends lines, turns text around."""
_OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_PIECES = ("\x1b]52", "\x1b[2Jev", "\x9b", "\x9d", "\u202e", "\u2066", "\u2028", "\u200f", "\x7f", "\x00")


def obeyed(said: bytes) -> list[str]:
    """Characters in plain output that a terminal obeys, beside line ends."""
    return _OBEYED.findall(said.decode("utf-8", "surrogateescape"))


def pieces(drawn: bytes) -> list[str]:
    """What of `EVIL` has come through onto a screen, among the sequences of which a screen is made."""
    text = drawn.decode("utf-8", "surrogateescape")
    return [piece for piece in _PIECES if piece in text]


def everything() -> list[ev.AnyFact]:
    """A run in which every kind of fact is told."""
    batch: dict[str, Any] = {"at": 9.0, "epoch": 0, "phase": "train"}
    more: list[ev.AnyFact] = [
        ev.Paused(**batch, batch=3, step=3, request="x"),
        ev.Refused(at=9.0, request="x", why="x"),
        ev.Alerted(at=9.0, topic="x", text="x", rule="x"),
        ev.Alerted(at=9.0, topic="loss", text="x", rule="x", step=3),
        ev.Changed(at=9.0, what="lr", old=0.1, new=0.2, step=3, epoch=0, note="x"),
        ev.Changed(at=9.0, what="epochs", old=5, new=6, step=3, epoch=0, note="x"),
        ev.Saved(at=9.0, step=3, epoch=0, name="x", why="request", bytes=9, seconds=0.1, request="x"),
        ev.RateSuggested(at=9.0, rate=None, why="x", ended="x"),
        ev.RateSuggested(at=9.0, rate=0.1, why="x", ended="x"),
        ev.Continued(at=9.5, paused=0.5),
        ev.StopPlanned(at=9.5, when="epoch", epoch=0),
        ev.Scalars(at=9.6, name="x", first=1, values=[1.0, "nan"]),
    ]
    start, *told, last = Recording(epochs=2).whole()
    assert isinstance(start, ev.RunStarted)
    told = [msgspec.structs.replace(start, pid=0), *told]  # a real process must not be taken for its trainer
    recorded = Path(__file__).with_name("data") / "fashion-convbn" / "events.jsonl"
    kinds: dict[str, ev.AnyFact] = {}
    for line in recorded.read_bytes().splitlines():
        fact = ev.decode(line)
        kinds.setdefault(type(fact).__name__, fact)
    seen = {type(fact).__name__ for fact in [*told, *more, last]}
    extra = [fact for name, fact in kinds.items() if name not in seen]
    resumed = ev.RunResumed(at=200.0, step=5, epoch=0, phase="train", batch=5, wall=2e9, host="x")
    return [*told, *more, *extra, resumed, *told[1:], *more, *extra, _failed(last)]


def _failed(last: ev.AnyFact) -> ev.AnyFact:
    return ev.FitEnded(at=last.at, reason="failed", step=3, error="x")


def poisoned(fact: ev.AnyFact) -> ev.AnyFact:
    """The same with `EVIL` in each of its texts and in the names of its metrics, wherever any text may be."""
    plain = msgspec.to_builtins(fact)
    for path in list(_texts(plain, ())):
        tried = json.loads(json.dumps(plain))
        _put(tried, path)
        try:
            ev.decode(json.dumps(tried).encode())
        except msgspec.DecodeError:  # a number written as text, or one of a few words
            continue
        plain = tried
    return ev.decode(json.dumps(plain).encode())


def _texts(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, str) and path != ("is",):
        yield path
    elif isinstance(value, list):
        for i, part in enumerate(value[:40]):
            yield from _texts(part, (*path, i))
    elif isinstance(value, dict):
        for key in value:
            yield from _texts(value[key], (*path, key))
            if path == ("metrics",):
                yield (*path, key, None)


def _put(value: Any, path: tuple[Any, ...]) -> None:
    *way, last = path
    if last is None:
        *way, key = way
        for step in way:
            value = value[step]
        value[EVIL if key != "loss" else key] = value.pop(key)
        return
    for step in way:
        value = value[step]
    value[last] = value[last] + EVIL


def hostile_run(root: Path, stamp: str = "20260101-000000", host: str = "") -> RunDir:
    """A run whose every text is hostile: its name, configuration, journal, log, and what it says of itself."""
    made = create_run(root, RunConfig(data_dir=EVIL, dataset="fashion"))
    name = f"{stamp}-fashion{EVIL.replace(chr(0), '')}-mlp-ab{stamp[-2:]}"
    run = RunDir(made.path.rename(root / name))
    write_config(
        run.config_file, msgspec.structs.replace(RunConfig(), dataset=EVIL, model=EVIL, data_dir=EVIL, opt=EVIL)
    )
    run.write_info(msgspec.structs.replace(run.read_info(), id=name, host=host or run.read_info().host))
    run.journal.write_bytes(b"".join(ev.encode(poisoned(fact)) + b"\n" for fact in everything()))
    run.log.write_text(f"said {EVIL}\n{EVIL}", encoding="utf-8")
    (run.checkpoints / f"step-1{EVIL.replace(chr(0), '')}").mkdir(parents=True)
    return run
