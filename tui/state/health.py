"""A word on each layer's health, and the rule that gave it: few, simple, and each to be read by the user.

All rules look at the last measurement; some also at the first one of the run, or at the last three. What is bad is
marked. A word is rather too mild than wrong: a rectifier may well be zero for four of five inputs, a norm that begins
with a weight of zero has no output at first, and the layers before it no gradient.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui.text import compact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.layer_history import LayerHistory

__all__ = ["Health", "Reading", "health", "reading", "readings"]

NEAR, DEAD = 0.9, 0.95
"""Shares near zero from which a layer is called so, and from which it is dead if its values are uneven."""
BIN = 0.25
"""What near zero means: the lowest of 40 bins over 0 to 10."""
GROWN = 0.25
"""A layer is dying if its share near zero has grown by as much since the run began."""
UNEVEN = 5.0
"""A rectifier's deviation over its mean from which few inputs make all of it.

Where a share p of a half normal signal is let through, deviation over mean is sqrt(pi / 2 / p - 1): 5 for 6 %.
"""
QUIET, SILENT = 0.01, 1e-4
"""Standard deviations below which a signal vanishes, and below which there is none."""
LOUD, STEEP = 100.0, 1e3
"""Size of the outputs (the larger of deviation and mean) and norm of the gradient from which a layer explodes ..."""
TIMES, FAR = 10.0, 100.0
"""... if they have grown as many times since the run began, or are as many times as large as that."""
WEAK, RUNNING = 1e-4, 3
"""A gradient vanishes below this share of the largest layer's, in as many measurements running."""
LARGE = 0.3
"""Update-to-weight ratio from which steps are called large; about 0.001 is usual."""
RECTIFIERS = frozenset({"ReLU", "ReLU6"})
SMALL = frozenset({"Softmax", "Softmax2d", "Softmin"})
"""Kinds whose outputs are shares: small and near zero where all is well."""


@dataclass(frozen=True)
class Reading:
    """What was measured of one layer at one step; `grad` and `ratio` are None for a layer without trained parameters.

    `near_zero` is infinite if that step did not use the layer.
    """

    mean: float
    std: float
    near_zero: float
    nonfinite: int = 0
    grad: float | None = None
    ratio: float | None = None
    kind: str = ""
    """Class name."""
    shares: tuple[float, ...] = ()
    """Of the newest measurements, newest last: norm of the gradient over the largest layer's."""
    start: Reading | None = None
    """The first measurement of the run."""

    @property
    def size(self) -> float:
        """How large the outputs are: the larger of deviation and mean."""
        return max(abs(self.mean), self.std)

    @property
    def uneven(self) -> bool:
        """Whether values lie far enough from zero that those near it could too."""
        return self.std >= BIN or (self.kind in RECTIFIERS and self.std >= UNEVEN * abs(self.mean))

    @property
    def starved(self) -> bool:
        """Whether hardly any gradient reaches its parameters, if it has any."""
        return self.grad is None or self.grad == 0 or (bool(self.shares) and self.shares[-1] < WEAK)


@dataclass(frozen=True)
class Health:
    """What is said of a layer."""

    word: str
    """At most 13 characters."""
    bad: bool
    rule: str
    """Why, in a few words with the numbers."""


def health(r: Reading) -> Health:
    """The first rule that holds: what is broken before what explodes before what is dead before what is odd."""
    return _broken(r) or _loud(r) or _silent(r) or _weak(r) or _odd(r)


def _broken(r: Reading) -> Health | None:
    if r.nonfinite:
        return Health("NaN or inf", True, f"{r.nonfinite:,} of its outputs are NaN or infinite")
    if math.isinf(r.near_zero):
        return Health("not used", False, "the last measured batch did not go through it")
    if not (math.isfinite(r.mean) and math.isfinite(r.std)):
        return Health("NaN or inf", True, "its outputs are too large for a finite mean")
    if any(x is not None and not math.isfinite(x) for x in (r.grad, r.ratio)):
        return Health("NaN or inf", True, "its gradient or its step is NaN or infinite")
    return None


def _loud(r: Reading) -> Health | None:
    outputs = "mean" if abs(r.mean) > r.std else "deviation"
    start = r.start or r
    for name, value, first, limit in (
        (f"{outputs} of its outputs", r.size, start.size, LOUD),
        ("norm of its gradient", r.grad or 0.0, start.grad or 0.0, STEEP),
    ):
        if value > FAR * limit:
            return Health("exploding", True, f"{name} {compact(value)}, above {FAR * limit:,.0f}")
        if value > limit and value > TIMES * first:
            return Health("exploding", True, f"{name} {compact(value)}, above {limit:,.0f} ({first:.2g} at first)")
    return None


def _silent(r: Reading) -> Health | None:
    """Dead, dying or vanishing.

    Nearly everything near zero is a sign of death only where the spread says that values could be elsewhere, or that
    there is no value at all: a small, even signal is not dead. Nor is what has a gradient: it may start at zero, or
    have few large outputs among many small ones.
    """
    if r.kind in SMALL:
        return None
    uneven = r.uneven and r.starved
    share = f"{100 * r.near_zero:.0f} %"
    first = r.start.near_zero if r.start is not None else math.nan
    if r.near_zero >= DEAD and r.std < SILENT and r.starved:
        return Health(f"{share} dead", True, f"within {BIN} of zero, deviation {r.std:.2g}, no gradient")
    if r.near_zero >= DEAD and uneven and r.std >= SILENT:
        return Health(f"{share} dead", True, f"within {BIN} of zero, {100 * DEAD:.0f} % or more; deviation {r.std:.2g}")
    if r.near_zero >= NEAR and uneven and r.near_zero - first >= GROWN:
        return Health("dying", True, f"{share} within {BIN} of zero, {100 * first:.0f} % at first")
    waking = r.start is not None and r.std > 2 * r.start.std
    if r.std < QUIET and not waking and (r.std >= SILENT or r.starved):
        return Health("vanishing", True, f"deviation of its outputs {r.std:.1g}, below {QUIET}")
    return None


def _weak(r: Reading) -> Health | None:
    if r.grad is None or len(r.shares) < RUNNING or not all(share < WEAK for share in r.shares[-RUNNING:]):
        return None
    least = f"{RUNNING} times running below 1/{1 / WEAK:,.0f} of the largest"
    return Health("weak gradient", True, f"norm {r.grad:.1g}, {least}")


def _odd(r: Reading) -> Health:
    if r.ratio is not None and r.ratio > LARGE:
        bad = r.ratio >= 1 and r.start is not None and r.start.std > 0  # weights that begin at zero may grow so
        changed = compact(round(100 * min(r.ratio, 1e300)))
        rule = f"weights changed by {changed} % in a step, above {100 * LARGE:.0f} %"
        return Health("large steps", bad, rule)
    if r.near_zero >= NEAR:
        why = "few are large" if r.uneven and not r.starved else "small, not dead"
        why = f"dead from {100 * DEAD:.0f} % on" if r.uneven and r.starved and r.near_zero < DEAD else why
        return Health(f"{100 * r.near_zero:.0f} % near 0", False, f"within {BIN} of zero: {why}")
    return Health("healthy", False, "no rule says otherwise")


def reading(held: LayerHistory, layer: int, kind: str = "") -> Reading:
    """The last measurement of one layer, with what the rules ask of earlier ones."""
    return readings(held, layer, [kind])[0]


def readings(held: LayerHistory, first: int, kinds: Sequence[str]) -> list[Reading]:
    """`reading` of so many layers from `first` on, at once: a frame asks for dozens."""
    rows = slice(first, first + len(kinds))
    starts, latest, shares = (a[:, rows].T.tolist() for a in (held.first, held.latest, held.grad_shares))
    found = []
    for kind, start, now, newest, bad in zip(kinds, starts, latest, shares, held.nonfinite[rows].tolist(), strict=True):
        mean, std, near, grad, _ = start
        begun = Reading(mean, std, near, 0, _known(grad))
        mean, std, near, grad, ratio = now
        found.append(Reading(mean, std, near, bad, _known(grad), _known(ratio), kind, tuple(newest), begun))
    return found


def _known(value: float) -> float | None:
    return None if math.isinf(value) else value
