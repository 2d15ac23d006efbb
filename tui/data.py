"""`miniai-tui data NAME`: what is known of a dataset, as text or as JSON."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from tui.output import put
from tui.text import clean, count, cut, fit

if TYPE_CHECKING:
    from miniai.facts import DatasetFacts, SplitFacts

__all__ = ["as_json", "as_text", "show_data"]

_INTERRUPTED = 128 + 2


def show_data(name: str, data_dir: Path | None = None, *, as_json_line: bool = False) -> int:
    """Load the dataset `name`, write what is known of it to the standard output; returns the exit code.

    Progress goes to the standard error if that is a terminal. Raises what `catalog.load` raises, and MiniaiError
    if the output cannot be written.
    """
    said = _Progress(sys.stderr)
    try:
        facts = _facts(name, data_dir, said)
    except KeyboardInterrupt:
        return _INTERRUPTED
    finally:
        said.clear()
    text = as_json(facts) if as_json_line else as_text(facts, min(100, shutil.get_terminal_size().columns))
    return put(text)


def _facts(name: str, data_dir: Path | None, said: _Progress) -> DatasetFacts:
    """The only part that takes torch."""
    said("loading torch", 0, 0)
    from miniai import catalog
    from miniai.facts import facts_of
    from miniai.heavy import load_torch

    load_torch()
    return facts_of(catalog.load(name, data_dir=data_dir, progress=said))


class _Progress:
    """One line on a terminal that says what is waited for; nothing where there is no terminal."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream if stream is not None and stream.isatty() else None
        self._width = 0

    def __call__(self, stage: str, done: int, total: int) -> None:
        text = f"{stage} {100 * done // total} %" if total else f"{stage} ..."
        self._put(f"\r{text:<{self._width}}")
        self._width = len(text)

    def clear(self) -> None:
        """Take the line away."""
        if self._width:
            self._put(f"\r{'':<{self._width}}\r")
            self._width = 0

    def _put(self, text: str) -> None:
        if self._stream is not None:
            self._stream.write(text)
            self._stream.flush()


def as_json(facts: DatasetFacts) -> str:
    """One line of ASCII."""
    return json.dumps(asdict(facts)).replace("\x7f", "\\u007f") + "\n"


def as_text(facts: DatasetFacts, width: int = 80) -> str:
    """Lines for a terminal of `width` columns (at least 60), without control characters."""
    width = max(width, 60)
    blocks = [_heading(facts, width), _splits(facts, width), _classes(facts, width)]
    return "\n".join("".join(f"{line.rstrip()}\n" for line in block) for block in blocks if block)


def _heading(facts: DatasetFacts, width: int) -> list[str]:
    """Name, description, where it is from, what is in it."""
    found = facts.source + (" (a part of the full data)" if facts.sample else "")
    rows = [("dataset", facts.name), ("what", facts.description), ("found in", found), ("passed over", facts.note)]
    rows += list(facts.features.items())
    rows = [(clean(name, 40), clean(text, 2000)) for name, text in rows if text]
    column = min(max(len(name) for name, _ in rows), width // 3) + 2
    lines = []
    for name, text in rows:
        first, *rest = textwrap.wrap(text, width - column) or [""]
        lines.append(fit(cut(name, column - 2), column) + first)
        lines += [" " * column + line for line in rest]
    return lines


def _splits(facts: DatasetFacts, width: int) -> list[str]:
    """A table: items, items a class, brightness."""
    rows = [["split", "items", "a class", "mean pixel", "deviation"]]
    for split in facts.splits:
        pixels = split.pixels
        mean, deviation = (pixels.mean, pixels.deviation) if pixels else ([], [])
        rows.append([clean(split.name), _items(split), _range(split), _shares(mean), _shares(deviation)])
    return _table(rows, width) if len(rows) > 1 else []


def _items(split: SplitFacts) -> str:
    return "?" if split.items is None else count(split.items)


def _range(split: SplitFacts) -> str:
    """The smallest and the largest class: the balance at a glance."""
    if not split.classes:
        return ""
    low, high = min(split.classes), max(split.classes)
    return count(low) if low == high else f"{count(low)} to {count(high)}"


def _shares(values: Sequence[float]) -> str:
    return " ".join(f"{value:.4f}" for value in values)


def _classes(facts: DatasetFacts, width: int) -> list[str]:
    """A table: the classes by number, and how many items of each a split has."""
    if not facts.classes:
        return []
    counted = [split for split in facts.splits if split.classes is not None]
    rows = [["", "class", *(clean(split.name) for split in counted)]]
    for number, name in enumerate(facts.classes):
        rows.append([str(number), clean(name), *(count((split.classes or [])[number]) for split in counted)])
    if any(split.unlabelled for split in counted):
        rows.append(["", "(none of them)", *(count(split.unlabelled) for split in counted)])
    return _table(rows, width, texts=(1,))


def _table(rows: list[list[str]], width: int, texts: tuple[int, ...] = (0,)) -> list[str]:
    """Aligned columns, two spaces apart, those of `texts` to the left; one that is empty is left out.

    The first of `texts` gives way where `width` is too small; numbers are never cut.
    """
    from rich.cells import cell_len

    kept = [i for i in range(len(rows[0])) if any(row[i] for row in rows[1:])]
    widths = {i: max(cell_len(row[i]) for row in rows) for i in kept}
    wide = texts[0]
    others = sum(widths[i] + 2 for i in kept if i != wide)
    widths[wide] = max(4, min(widths[wide], width - others))
    return ["  ".join(fit(row[i], widths[i], "<" if i in texts else ">") for i in kept) for row in rows]
