"""The charts of ActivationStats. Importing this takes no matplotlib; drawing does."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch

from miniai.activations import get_hist, get_min
from miniai.errors import LearnerError
from miniai.hooks import Hook
from miniai.statistics import BINS, TOP

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from miniai.activations import ActivationStats

__all__ = ["color_dim", "dead_chart", "plot_stats"]

Size = tuple[float, float]
"""Width and height in inches."""


def _measured(stats: ActivationStats) -> list[Hook]:
    """The hooks that have found something; LearnerError if none has."""
    hooks = [hook for hook in stats if hook.stats[0]]
    if not hooks:
        raise LearnerError(
            "nothing was measured: fit a Learner with these statistics, with modules that pass mod_filter"
        )
    return hooks


def _when(stats: ActivationStats, hook: Hook) -> list[int]:
    """The step of each of the hook's entries; their number where a module ran more or less than once a batch."""
    count = len(hook.stats[0])
    return stats.steps if len(stats.steps) == count else list(range(1, count + 1))


def _edges(steps: list[int]) -> list[float]:
    """Where the columns of a chart begin and end, one more than steps: half-way between neighbours."""
    middles = [(a + b) / 2 for a, b in pairwise(steps)]
    return [steps[0] - 0.5, *middles, steps[-1] + 0.5]


def _grid(hooks: list[Hook], figsize: Size | None, ylabel: str) -> list[Axes]:
    """Axes for one chart a layer, with its name above it."""
    from miniai.plotting import get_grid

    _figure, grid = get_grid(len(hooks), figsize=figsize, layout="constrained")
    axes: list[Axes] = list(grid.flat[: len(hooks)])
    for hook, ax in zip(hooks, axes, strict=True):
        ax.set_title(hook.label)
    axes[0].set_xlabel("step")
    axes[0].set_ylabel(ylabel)
    return axes


def color_dim(stats: ActivationStats, figsize: Size | None = None) -> list[Axes]:
    """Histograms over time: right is later, up is larger, bright is more (the logarithm of the count)."""
    hooks = _measured(stats)
    axes = _grid(hooks, figsize, "size of activations")
    rows = torch.linspace(0, TOP, BINS + 1).tolist()
    for hook, ax in zip(hooks, axes, strict=True):
        ax.pcolormesh(_edges(_when(stats, hook)), rows, get_hist(hook).numpy(), rasterized=True)
    return axes


def dead_chart(stats: ActivationStats, figsize: Size | None = None) -> list[Axes]:
    """Share of activations near zero over time, 0 to 1."""
    hooks = _measured(stats)
    axes = _grid(hooks, figsize, "share near zero")
    for hook, ax in zip(hooks, axes, strict=True):
        ax.plot(_when(stats, hook), get_min(hook).tolist())
        ax.set_ylim(0, 1)
    return axes


def plot_stats(stats: ActivationStats, figsize: Size = (10, 4)) -> list[Axes]:
    """Means on the left, standard deviations on the right, a line for each layer: the deeper, the brighter."""
    hooks = _measured(stats)
    from miniai.plotting import subplots

    figure, grid = subplots(1, 2, figsize=figsize, layout="constrained")
    from matplotlib import colormaps

    axes: list[Axes] = list(grid.flat)
    colors = colormaps["viridis"](torch.linspace(0, 0.9, len(hooks)).numpy())
    for place, (ax, title) in enumerate(zip(axes, ("means", "standard deviations"), strict=True)):
        for hook, color in zip(hooks, colors, strict=True):
            values = torch.stack(hook.stats[place]).tolist()
            ax.plot(_when(stats, hook), values, label=hook.label, color=color)
        ax.set_title(title)
        ax.set_xlabel("step")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper")
    return axes
