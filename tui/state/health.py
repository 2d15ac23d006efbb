"""A word on each layer's health, and the rule that gave it: few, simple, and each to be read by the user.

All rules look at the last measurement; only "dying" looks at what was before. What is bad is marked.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.layer_history import LayerHistory

__all__ = ["Health", "Reading", "health", "reading"]

NEAR = 0.9
"""Share near zero from which a layer is called so."""
BIN = 0.25
"""What near zero means: the lowest of 40 bins over 0 to 10."""
DYING, GROWN = 0.7, 0.15
"""A layer is dying from this share near zero on, if the share has grown by as much since the run began."""
QUIET, SILENT = 0.01, 1e-4
"""Standard deviations below which a signal vanishes, and below which there is none."""
LOUD = 20.0
"""Standard deviation or size of the mean from which a layer explodes."""
STEEP = 1e3
"""Norm of the gradient from which it explodes."""
WEAK = 1e-4
"""A gradient vanishes below this share of the largest layer's."""
LARGE = 0.3
"""Update-to-weight ratio from which steps are called large; about 0.001 is usual."""


@dataclass(frozen=True)
class Reading:
    """The last measurement of one layer; `grad` and `ratio` are None for a layer without trained parameters."""

    mean: float
    std: float
    near_zero: float
    nonfinite: int = 0
    grad: float | None = None
    ratio: float | None = None
    largest_grad: float = 0.0
    """The largest gradient norm of all layers."""
    first_near_zero: float = math.nan
    """Share near zero when the run began."""


@dataclass(frozen=True)
class Health:
    """What is said of a layer."""

    word: str
    """At most 13 characters."""
    bad: bool
    rule: str
    """Why, in a few words with the numbers."""


def health(r: Reading) -> Health:
    """The first rule that holds: what is broken before what is dead before what is odd."""
    return _broken(r) or _silent(r) or _gradient(r) or _loud(r) or _quiet(r)


def _broken(r: Reading) -> Health | None:
    if r.nonfinite:
        return Health("NaN or inf", True, f"{r.nonfinite:,} of its outputs are NaN or infinite")
    if not (math.isfinite(r.mean) and math.isfinite(r.std)):
        return Health("NaN or inf", True, "its outputs have no finite mean, or none was measured")
    if any(x is not None and not math.isfinite(x) for x in (r.grad, r.ratio)):
        return Health("NaN or inf", True, "its gradient or its step is NaN or infinite")
    return None


def _silent(r: Reading) -> Health | None:
    """Dead, dying or vanishing.

    Nearly everything near zero is a sign of death only where the spread says that values could be elsewhere, or that
    there is no value at all: a small, even signal is not dead.
    """
    spread = r.std >= BIN
    if r.near_zero >= DYING:
        share = f"{100 * r.near_zero:.0f} %"
        near = f"{share} of its outputs are within {BIN} of zero"
        if r.near_zero >= NEAR and (spread or r.std < SILENT):
            return Health(f"{share} dead", True, f"{near} ({100 * NEAR:.0f} % or more, deviation {r.std:.2g})")
        if spread and r.near_zero - r.first_near_zero >= GROWN:
            return Health("dying", True, f"{near}, {100 * r.first_near_zero:.0f} % at the start")
    if r.std < QUIET:
        return Health("vanishing", True, f"the deviation of its outputs, {r.std:.1g}, is below {QUIET}")
    return None


def _gradient(r: Reading) -> Health | None:
    if r.grad is None:
        return None
    if r.grad > STEEP:
        return Health("exploding", True, f"the norm of its gradient, {r.grad:.2g}, is above {STEEP:,.0f}")
    if r.grad < WEAK * r.largest_grad:
        least = f"1/{1 / WEAK:,.0f} of the largest layer's"
        return Health("weak gradient", True, f"vanishing gradient: its norm, {r.grad:.1g}, is below {least}")
    return None


def _loud(r: Reading) -> Health | None:
    if r.std > LOUD:
        return Health("exploding", True, f"the deviation of its outputs, {r.std:.2g}, is above {LOUD:.0f}")
    if abs(r.mean) > LOUD:
        return Health("exploding", True, f"the mean of its outputs, {r.mean:.2g}, is farther than {LOUD:.0f} from zero")
    return None


def _quiet(r: Reading) -> Health:
    if r.ratio is not None and r.ratio > LARGE:
        return Health("large steps", False, f"a step changed its weights by {r.ratio:.0%}, more than {LARGE:.0%}")
    if r.near_zero >= NEAR:
        share = f"{100 * r.near_zero:.0f} %"
        return Health(f"{share} near 0", False, f"{share} of its outputs are within {BIN} of zero, evenly spread")
    return Health("healthy", False, "no rule says otherwise")


def reading(held: LayerHistory, layer: int) -> Reading:
    """The last measurement of one layer."""
    mean, std, near_zero, grad, ratio = held.latest[:, layer].tolist()
    first = float(held.values[2, layer, 0]) if held.used else math.nan
    norm, change = (None if math.isinf(x) else x for x in (grad, ratio))
    return Reading(mean, std, near_zero, int(held.nonfinite[layer]), norm, change, held.largest_grad, first)
