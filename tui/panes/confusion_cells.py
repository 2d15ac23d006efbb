"""Colours of a confusion matrix: what is right in one hue, what is wrong in another, each by its share of the row."""

from __future__ import annotations

from miniai.run.events import ConfusionMeasured
from tui.colors import Palette, style
from tui.panes.lines import Part
from tui.ramps import RGB, ink, ramp
from tui.text import count, fit

__all__ = ["Shades"]

LEAST = 0.05
"""The share of a row that has the strongest colour is at least this: a few mistakes shall look like few."""
STEPS = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0)


class Shades:
    """The cells of one matrix."""

    def __init__(self, fact: ConfusionMeasured, colors: Palette) -> None:
        self.fact, self.colors = fact, colors
        depth = "truecolor" if colors.depth == "grey" else colors.depth  # the diagonal tells right from wrong
        self._ramp = ramp("diverging", colors.dark, depth)
        self._middle = len(self._ramp) // 2
        worst = max((k / fact.totals[i] for i, _, k in fact.pairs if fact.totals[i]), default=0.0)
        self.limit = next((s for s in STEPS if s >= worst), 1.0)
        """Share of a row's images, mistaken for one other class, that has the strongest colour."""

    def cell(self, label: int, said: int, width: int, shares: bool) -> Part:
        """One cell of the matrix, its number on its colour."""
        n, total = self.fact.counts[label * self.fact.classes + said], self.fact.totals[label]
        share = n / total if total else 0.0
        place = self._middle
        if label == said:
            place -= round(share * self._middle)
        else:
            place += min(round(share / self.limit * self._middle), self._middle)
        text = f"{100 * share:.0f}" if shares else count(n)
        if not n:
            text = "·"
        elif text == "0":
            text = "<1"
        ground = self._ramp[place]
        return fit(text, width - 1, ">") + " ", style(self._ink(ground, n), ground)

    def legend(self) -> list[Part]:
        """What the colours stand for."""
        right, wrong = self._ramp[0], self._ramp[-1]
        muted = style(self.colors.muted)
        return [
            ("  ", style(bg=right)), (" right, the diagonal  ", muted),
            ("  ", style(bg=wrong)), (f" wrong, {100 * self.limit:.0f} % of a row", muted),
        ]  # fmt: skip

    def _ink(self, ground: RGB, n: int) -> str | RGB:
        if not n:
            return self.colors.faint
        return ink(ground)
