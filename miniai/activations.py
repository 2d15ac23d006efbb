"""What goes on inside a model: means, standard deviations and histograms of the activations, layer by layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from miniai.hooks import Hook, Hooks, HooksCallback, _every
from miniai.seed import set_seed

__all__ = ["ActivationStats", "Hook", "Hooks", "HooksCallback", "append_stats", "get_hist", "get_min", "set_seed"]

BINS = 40
TOP = 10.0
"""Histograms have 40 bins of 0.25 each, from 0 to 10."""


def _histogram(size: Tensor) -> Tensor:
    """Counts (40,) of `size` (flat, >= 0) in bins over 0 to 10; 10 itself is in the last bin, beyond it in none."""
    return torch.histc(size, BINS, 0, TOP) if size.device.type == "cpu" else _by_index(size)


def _by_index(size: Tensor) -> Tensor:
    """The same for GPUs, where histc is not deterministic and refused if only deterministic algorithms may run."""
    # the slot after the last bin takes what lies in no bin
    inside = size <= TOP  # False for NaN
    bins = torch.where(inside, size * (BINS / TOP), BINS).long().clamp_(max=BINS)
    bins = torch.where(inside & (bins == BINS), BINS - 1, bins)
    counts = torch.zeros(BINS + 1, dtype=size.dtype, device=size.device)
    return counts.index_add_(0, bins, torch.ones_like(size))[:BINS]


@torch.no_grad()
def append_stats(hook: Hook, _mod: nn.Module, _inp: Any, outp: Tensor) -> None:
    """Append one batch's statistics of the output to `hook.stats`: mean, standard deviation, histogram.

    Mean and (unbiased) standard deviation are of the signed activations, the histogram is of their absolute values,
    40 bins over 0 to 10. What lies above 10 is counted in `hook.above`, what is NaN or infinite in
    `hook.nonfinite`. All stay on the device.
    """
    if not hasattr(hook, "stats"):
        hook.stats, hook.above, hook.nonfinite = ([], [], []), [], []
    acts = outp.detach()
    acts = acts.float() if acts.dtype in (torch.float16, torch.bfloat16) else acts
    size = acts.abs().flatten()
    finite = size.isfinite()
    hook.stats[0].append(acts.mean())
    hook.stats[1].append(acts.std())
    hook.stats[2].append(_histogram(size))
    hook.above.append(((size > TOP) & finite).sum())
    hook.nonfinite.append(finite.numel() - finite.sum())


def get_hist(h: Hook) -> Tensor:
    """log1p of the histograms of hook `h`, (40 bins, batches), on the CPU."""
    return torch.stack(h.stats[2]).t().float().log1p().cpu()


def get_min(h: Hook) -> Tensor:
    """Share of near-zero activations (in the lowest bin, below 0.25) of hook `h`, (batches,), on the CPU."""
    histograms = torch.stack(h.stats[2]).t().float()
    total = histograms.sum(0)
    if hasattr(h, "above"):
        total = total + torch.stack(h.above) + torch.stack(h.nonfinite)
    return (histograms[0] / total).cpu()


class ActivationStats(HooksCallback):
    """Statistics of the outputs of all modules that pass `mod_filter`, of every training batch."""

    def __init__(self, mod_filter: Callable[[nn.Module], object] = _every) -> None:
        super().__init__(append_stats, mod_filter)
