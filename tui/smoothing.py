"""The smoothed value of a series: the mean of the middle half of its last values."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Ints: TypeAlias = NDArray[np.int64]

__all__ = ["HUGE", "SPANS", "middle_mean"]

SPANS = (5, 20, 100, 500)
"""How many of the last values the smoothed ones are made of."""
HUGE = 1e300
"""Larger values are taken for this, so that sums stay finite."""
SLAB = 512
"""Smoothed values that are made at once: bounds the memory."""


def middle_mean(values: Floats, ends: Ints, span: int) -> Floats:
    """(ends,): the smoothed value after each of the values whose numbers are `ends`; all values are finite.

    It is the mean of the middle half of the last n values, n = min(span, values so far): with these sorted,
    x_1 <= ... <= x_n, it is sum(w_i x_i) where w_i = 2 |[(i - 1) / n, i / n] intersected with [1/4, 3/4]|, the
    "midmean" or 25 % trimmed mean of Tukey, "Exploratory Data Analysis" (1977).

    The usual choice, an exponential average, never forgets: after one value of 1e6 that of about 100 values of 0.5
    stays above 1 for 1,000 steps. This one lies between the least and the greatest of its n values, keeps constants,
    moves with scale and shift, takes no notice of outliers as long as they are at most a quarter of the n values, and
    after any change has arrived when three quarters of the n values are new. It follows a trend half a span behind.
    """
    import numpy as np  # there are values

    made = np.empty(len(ends))
    tame = np.clip(values, -HUGE, HUGE)
    place = np.arange(span)
    for start in range(0, len(ends), SLAB):
        last = np.asarray(ends[start : start + SLAB])[:, None]
        known = np.minimum(last + 1, span)
        window = np.where(place < known, tame[np.maximum(last - place, 0)], np.inf)
        window.sort(axis=1)
        window[~np.isfinite(window)] = 0.0  # what lies behind the n values; its weight is none
        weight = np.minimum((place + 1) / known, 0.75) - np.maximum(place / known, 0.25)
        mean = (window * np.maximum(2 * weight, 0.0)).sum(1)
        greatest = np.take_along_axis(window, known - 1, 1)[:, 0]
        made[start : start + SLAB] = np.clip(mean, window[:, 0], greatest)  # rounding leads past neither
    return made
