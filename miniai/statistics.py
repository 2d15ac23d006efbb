"""Mean, standard deviation and histogram of the numbers in one tensor: exact, cheap, and never waiting for a GPU."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

__all__ = ["ABOVE", "BINS", "NONFINITE", "SLOTS", "TOP", "Summary", "first_tensor", "summarize"]

BINS = 40
TOP = 10.0
"""Histograms are of absolute values, in 40 bins of 0.25 each, from 0 to 10; 10 itself is in the last bin."""
ABOVE, NONFINITE = BINS, BINS + 1
"""The slots after the last bin: what is finite and above 10, and what is NaN or infinite."""
SLOTS = BINS + 2

_SCALE = BINS / TOP
"""4 bins for each 1: a power of two, so that a product's whole part is the bin, without rounding at the edges."""
_PAIRED = 1 << 16
"""From so many numbers on, the CPU counts two at a time."""
_LANES = 256
"""Histograms that other devices fill side by side: threads that add to the same number would wait for each other."""
_PIECE = 1 << 22
"""Numbers that other devices take in at a time, with 28 bytes of memory for each."""
_STEADY = (1e-30, 1e30)
"""Variances between these come out right from squares in float32."""


class Summary(NamedTuple):
    """What `summarize` finds, on the device of the tensor."""

    mean: Tensor
    """0-dim; of the signed numbers."""
    std: Tensor
    """0-dim; the unbiased one (divided by n - 1), NaN for a single number."""
    counts: Tensor
    """(42,), int64: the 40 bins of the absolute values, `ABOVE`, `NONFINITE`. Their sum is the tensor's size."""


def first_tensor(output: Any) -> Tensor | None:
    """The first dense tensor of floating type in (nested) tuples, lists and mappings; None if there is none."""
    if isinstance(output, Tensor):
        return output if output.is_floating_point() and output.layout is torch.strided else None
    parts = output.values() if isinstance(output, Mapping) else output if isinstance(output, (tuple, list)) else ()
    return next((found for found in map(first_tensor, parts) if found is not None), None)


@torch.no_grad()
def summarize(tensor: Tensor) -> Summary:
    """Mean, standard deviation and counts of a floating tensor of any shape, in float32 (float64 stays).

    Nothing of it is sampled or approximated. On the CPU it costs one to two nanoseconds a number; on other devices
    nothing waits for the result.

    >>> mean, std, counts = summarize(torch.tensor([-1.0, 0.1, 0.2, 12.0]))
    >>> int(counts[0]), int(counts[4]), int(counts[ABOVE])  # below 0.25, 1 to 1.25, above 10
    (2, 1, 1)
    """
    numbers = tensor.detach()
    if not numbers.is_contiguous():  # in the order of memory, so that channels_last takes no copy
        numbers = numbers.permute(sorted(range(numbers.dim()), key=numbers.stride, reverse=True))
    numbers = numbers.reshape(-1)
    if numbers.dtype not in (torch.float32, torch.float64):
        numbers = numbers.float()
    if numbers.device.type != "cpu":
        return _on_device(numbers)
    return _on_cpu(numbers)


def _on_device(numbers: Tensor) -> Summary:
    """By index, without a look at any value: torch's histc and bincount make the program wait for the device."""
    counts = torch.zeros(SLOTS * _LANES, dtype=torch.int64, device=numbers.device)
    one = torch.ones(1, dtype=torch.int64, device=numbers.device)
    for piece in torch.split(numbers, _PIECE):
        size = piece.abs()
        slots = (size * _SCALE).clamp_(max=ABOVE)
        slots = torch.where(size == TOP, BINS - 1, slots)
        slots = torch.where(size.isfinite(), slots, NONFINITE).long()
        lane = torch.arange(slots.numel(), device=slots.device).remainder_(_LANES)
        counts.index_add_(0, slots.mul_(_LANES).add_(lane), one.expand(slots.numel()))
    mean = numbers.mean()
    std = numbers.std() if numbers.numel() > 1 else torch.full_like(mean, math.nan)
    return Summary(mean, std, counts.view(SLOTS, _LANES).sum(1))


def _on_cpu(numbers: Tensor) -> Summary:
    """By vectorised passes: torch's own std and histc take five to ten times as long."""
    mean = float(numbers.mean())
    broken = 0 if math.isfinite(mean) else int(torch.count_nonzero(numbers - numbers))  # NaN for NaN and inf
    work = numbers - mean
    mean, std = (mean, math.nan) if broken else _moments(numbers, work, mean)
    made = [torch.tensor(value, dtype=numbers.dtype) for value in (mean, std)]
    return Summary(made[0], made[1], _counts(numbers, work, broken))


def _moments(numbers: Tensor, work: Tensor, mean: float) -> tuple[float, float]:
    """Mean and standard deviation; `work` holds `numbers - mean` and is overwritten.

    The corrected two-pass algorithm: what rounding left in the mean is taken out of both (Chan, Golub, LeVeque,
    "Algorithms for Computing the Sample Variance", 1983).
    """
    n = numbers.numel()
    if n < 2:
        return mean, math.nan
    drift = float(work.sum())
    variance = (float(work.square_().sum()) - drift * drift / n) / (n - 1)
    if _STEADY[0] < variance < _STEADY[1]:
        return mean + drift / n, math.sqrt(variance)
    low, high = (float(edge) for edge in torch.aminmax(numbers))
    if low == high:
        return low, 0.0
    std, exact = torch.std_mean(numbers)  # in float64 inside, and slow
    return float(exact), float(std)


def _counts(numbers: Tensor, work: Tensor, broken: int) -> Tensor:
    """Counts (42,) of `numbers`, of which `broken` are not finite; `work` is overwritten.

    Cut off behind the point, `4 x` is the bin of `x` with its sign; [10, 10.25) falls in bin 40, all above in 41.
    """
    torch.mul(numbers, _SCALE, out=work).clamp_(-SLOTS + 1, SLOTS - 1)
    if broken:
        work.nan_to_num_(SLOTS - 1)
    counts = _count(work.to(torch.int8).abs_())
    first, rest = counts[ABOVE:].tolist()
    if first or rest:
        tens = int(torch.count_nonzero(numbers.abs() == TOP)) if first else 0
        counts[BINS - 1] += tens
        counts[ABOVE], counts[NONFINITE] = first + rest - tens - broken, broken
    return counts


def _count(bins: Tensor) -> Tensor:
    """How often each of 0 to 41 is in `bins`, int8.

    Two neighbours make one 16-bit number, which halves the loop; each of them is then counted from the pairs.
    """
    if bins.numel() < _PAIRED:
        return torch.bincount(bins, minlength=SLOTS)
    even = bins.numel() // 2 * 2
    pairs = torch.bincount(bins[:even].view(torch.int16), minlength=SLOTS << 8).view(SLOTS, 256)[:, :SLOTS]
    return pairs.sum(0) + pairs.sum(1) + torch.bincount(bins[even:], minlength=SLOTS)
