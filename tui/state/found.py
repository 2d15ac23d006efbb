"""What the jobs "lr-find" and "data" tell: rates tried and the one suggested; a dataset's facts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from miniai.run import events as ev
from tui.text import clean

if TYPE_CHECKING:
    from miniai.facts import DatasetFacts
    from tui.state.run import Section

__all__ = ["Found"]

LIMIT = 10_000
"""Rates that are kept: a search has some hundreds at most."""


class Found:
    """The rates with their losses, in order, and the dataset."""

    def __init__(self) -> None:
        self.section: Section = "found"
        self.rates: list[float] = []
        self.losses: list[float] = []
        self.suggestion: ev.RateSuggested | None = None
        self.dataset: DatasetFacts | None = None
        self.files: dict[str, str] = {}
        """For each split the file with some of its images, relative to the run directory."""

    def apply(self, fact: ev.AnyFact) -> bool:
        """Take a fact; True if it was one of these."""
        match fact:
            case ev.RatesTried():
                self._tried(fact)
            case ev.RateSuggested():
                rate = fact.rate if fact.rate is not None and fact.rate > 0 else None
                self.suggestion = ev.RateSuggested(at=fact.at, rate=rate, ended=clean(fact.ended), why=clean(fact.why))
            case ev.DatasetDescribed():
                self._described(fact)
            case _:
                return False
        return True

    def _tried(self, fact: ev.RatesTried) -> None:
        """Batches that follow on those that are known; others are passed over."""
        if fact.first != len(self.rates):
            return
        room = LIMIT - len(self.rates)
        for rate, loss in list(zip(fact.rates, fact.losses, strict=False))[:room]:
            if rate > 0 and math.isfinite(rate):
                self.rates.append(rate)
                self.losses.append(float(loss))

    def _described(self, fact: ev.DatasetDescribed) -> None:
        from miniai.facts import DatasetFacts

        try:
            self.dataset = msgspec.convert(fact.about, DatasetFacts)
        except msgspec.ValidationError:  # of another version
            return
        self.files = dict(fact.files)
