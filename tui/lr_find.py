"""`miniai-tui lr-find` on a terminal and without one: the app, the command to copy, the lines."""

from __future__ import annotations

import shlex
from typing import Any

from miniai.config import RunConfig
from miniai.run import events as ev
from tui.text import clean, count, metric

__all__ = ["RateLines", "command", "words"]

OPTIONS = ("data_dir", "model", "bs", "opt", "amp", "device", "threads")
"""What the fit shall have as the search had it, if the user gave it."""

_LONGEST = 2000
"""Characters of a line: a path is not cut."""


def command(config: RunConfig, rate: float) -> str:
    """The command that trains with `rate` and everything else as the search had it; ready for a shell."""
    parts = ["miniai-tui", "fit", config.dataset]
    for name in OPTIONS:
        value: Any = getattr(config, name)
        if name in config.given and value is not None and value is not False:
            option = "--" + name.replace("_", "-")
            parts += [option] if value is True else [option, str(value)]
    return shlex.join([*parts, "--lr", f"{rate:g}"])


def words(fact: ev.RateSuggested, config: RunConfig) -> list[str]:
    """The suggestion in plain lines."""
    if fact.rate is None:
        return ["no learning rate can be suggested", f"  why: {clean(fact.why)}", f"  end: {clean(fact.ended)}"]
    return [
        f"suggested learning rate: {fact.rate:g}",
        f"  why: {clean(fact.why)}",
        f"  end: {clean(fact.ended)}",
        f"  use it: {clean(command(config, fact.rate), 2000)}",
    ]


class RateLines:
    """Renders a search's facts to the lines that a log should have."""

    def __init__(self, config: RunConfig) -> None:
        self._config = config

    def note(self, fact: ev.Progressed) -> None:
        """How fast it goes is nothing to tell."""

    def render(self, fact: ev.Fact) -> list[str]:
        """Lines without their newlines."""
        return [clean(text, _LONGEST) for text in self._texts(fact)]

    def _texts(self, fact: ev.Fact) -> list[str]:
        match fact:
            case ev.RunStarted():
                return [f"run {fact.run}: looking for a learning rate for {fact.dataset}, {fact.model}"]
            case ev.DataLoaded():
                which = "a sample of" if fact.sample else "all"
                return [f"data: {which} {count(fact.train)} images, from {fact.source}"]
            case ev.FitStarted():
                how = f"{fact.opt}, batch size {fact.batch_size}"
                made = f"{fact.model}, {count(fact.parameters)} parameters on {fact.device}"
                return [f"fit: {made}; {how}", f"{'batch':>6}  {'rate':>9}  {'loss':>9}"]
            case ev.RatesTried():
                tried = enumerate(zip(fact.rates, fact.losses, strict=True), fact.first + 1)
                return [f"{i:>6}  {rate:>9.2e}  {metric(float(loss)):>9}" for i, (rate, loss) in tried]
            case ev.RateSuggested():
                return words(fact, self._config)
            case ev.Alerted():
                return [f"warning: {fact.text}"]
            case ev.FitEnded(error=error) if error:
                return [f"{fact.reason}: {error}"]
        return []
