"""The charts of ActivationStats. Importing this takes no matplotlib; drawing does."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias, Union

import torch

from miniai.activations import get_hist, get_min
from miniai.errors import LearnerError, UsageError
from miniai.hooks import Hook
from miniai.statistics import BINS, TOP

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

    from miniai.activations import ActivationStats

__all__ = ["color_dim", "dead_chart", "plot_stats"]

Size = tuple[float, float]
"""Width and height in inches."""
AnyFigure: TypeAlias = Union["Figure", "SubFigure"]


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


def _places(count: int, figure: AnyFigure | None, axes: Iterable[Axes] | None) -> list[Axes] | None:
    """The first `count` of given axes, or new ones in a given figure; None if neither was given."""
    if axes is not None:
        given = list(getattr(axes, "flat", axes))
        if figure is not None or len(given) < count:
            wrong = "both were given" if figure is not None else f"{len(given)} are too few"
            raise UsageError(f"give {count} axes, one for each chart, or a figure to make them in: {wrong}")
        return given[:count]
    if figure is None:
        return None
    rows = math.isqrt(count)
    grid = figure.subplots(rows, -(-count // rows), squeeze=False)
    for spare in grid.flat[count:]:
        spare.set_axis_off()
    return list(grid.flat[:count])


def _grid(
    hooks: list[Hook], figsize: Size | None, ylabel: str, figure: AnyFigure | None, axes: Iterable[Axes] | None
) -> list[Axes]:
    """Axes for one chart a layer, with its name above it."""
    places = _places(len(hooks), figure, axes)
    if places is None:
        from miniai.plotting import get_grid

        _figure, grid = get_grid(len(hooks), figsize=figsize, layout="constrained")
        places = list(grid.flat[: len(hooks)])
    for hook, ax in zip(hooks, places, strict=True):
        ax.set_title(hook.label)
    places[0].set_xlabel("step")
    places[0].set_ylabel(ylabel)
    return places


def color_dim(
    stats: ActivationStats, figsize: Size | None = None, *, figure: AnyFigure | None = None,
    axes: Iterable[Axes] | None = None,
) -> list[Axes]:  # fmt: skip
    """Histograms over time: right is later, up is larger, bright is more (the logarithm of the count).

    In a new figure of `figsize`, or into a `figure` of yours, or into `axes`, one for each layer.
    """
    hooks = _measured(stats)
    places = _grid(hooks, figsize, "size of activations", figure, axes)
    rows = torch.linspace(0, TOP, BINS + 1).tolist()
    for hook, ax in zip(hooks, places, strict=True):
        ax.pcolormesh(_edges(_when(stats, hook)), rows, get_hist(hook).numpy(), rasterized=True)
    return places


def dead_chart(
    stats: ActivationStats, figsize: Size | None = None, *, figure: AnyFigure | None = None,
    axes: Iterable[Axes] | None = None,
) -> list[Axes]:  # fmt: skip
    """Share of activations near zero over time, 0 to 1; places as for `color_dim`."""
    hooks = _measured(stats)
    places = _grid(hooks, figsize, "share near zero", figure, axes)
    for hook, ax in zip(hooks, places, strict=True):
        ax.plot(_when(stats, hook), get_min(hook).tolist())
        ax.set_ylim(0, 1.05)  # a line at 1, a dead layer, would be hidden by the frame
    return places


def plot_stats(
    stats: ActivationStats, figsize: Size = (10, 4), *, figure: AnyFigure | None = None,
    axes: Iterable[Axes] | None = None,
) -> list[Axes]:  # fmt: skip
    """Means on the left, standard deviations on the right, a line for each layer: the deeper, the brighter.

    In a new figure of `figsize`, or into a `figure` of yours, or into two `axes`.
    """
    hooks = _measured(stats)
    places = _places(2, figure, axes)
    own = None
    if places is None:
        from miniai.plotting import subplots

        own, grid = subplots(1, 2, figsize=figsize, layout="constrained")
        places = list(grid.flat)
    from matplotlib import colormaps

    colors = colormaps["viridis"](torch.linspace(0, 0.9, len(hooks)).numpy())
    for place, (ax, title) in enumerate(zip(places, ("means", "standard deviations"), strict=True)):
        for hook, color in zip(hooks, colors, strict=True):
            values = torch.stack(hook.stats[place]).tolist()
            ax.plot(_when(stats, hook), values, label=hook.label, color=color)
        ax.set_title(title)
        ax.set_xlabel("step")
    if own is not None:
        own.legend(*places[0].get_legend_handles_labels(), loc="outside right upper")
    else:
        places[1].legend()
    return places
