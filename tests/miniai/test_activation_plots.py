"""What the charts of ActivationStats show: titles, axes, and the very numbers that were measured."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
import torch
from torch import nn

mpl.use("Agg")
from matplotlib import pyplot as plt

from miniai.activations import ActivationStats, get_hist, get_min
from miniai.errors import LearnerError, UsageError
from miniai.learner import Learner

Make = Callable[..., Learner]
TITLES = ["0 Conv2d", "1 ReLU", "3 Linear"]


@pytest.fixture
def stats(make_learner: Make) -> Iterator[ActivationStats]:
    """Three layers, measured at steps 1, 3 and 5."""
    found = ActivationStats(lambda m: isinstance(m, (nn.Conv2d, nn.ReLU, nn.Linear)), every=2)
    make_learner([found]).fit(2)
    assert found.steps == [1, 3, 5]
    yield found
    plt.close("all")


def drawn(axes: Any) -> list[Any]:
    """The same axes, of any type: what they hold is checked here value by value."""
    found: list[Any] = axes
    return found


def titles(axes: list[Any]) -> list[str]:
    return [ax.get_title() for ax in axes]


def test_color_dim_shows_each_histogram(stats: ActivationStats) -> None:
    axes = drawn(stats.color_dim(figsize=(9, 6)))
    assert titles(axes) == TITLES
    assert tuple(axes[0].figure.get_size_inches()) == (9, 6)
    for hook, ax in zip(stats, axes, strict=True):
        (mesh,) = ax.collections
        np.testing.assert_array_equal(mesh.get_array().reshape(40, 3), get_hist(hook))
        corners = mesh.get_coordinates()
        assert corners[0, :, 0].tolist() == [0.5, 2, 4, 5.5]  # between the steps
        assert (corners[0, 0, 1], corners[-1, 0, 1]) == (0, 10)  # the lowest bin below
    axes[0].figure.canvas.draw()


def test_dead_chart_shows_shares(stats: ActivationStats) -> None:
    axes = drawn(stats.dead_chart())
    assert titles(axes) == TITLES
    for hook, ax in zip(stats, axes, strict=True):
        (line,) = ax.lines
        assert line.get_xdata().tolist() == [1, 3, 5]
        np.testing.assert_allclose(line.get_ydata(), get_min(hook))
        assert ax.get_ylim() == (0, 1.05)
    spare = axes[0].figure.axes[len(axes) :]
    assert not any(ax.axison for ax in spare)


def test_plot_stats_shows_means_and_deviations(stats: ActivationStats) -> None:
    left, right = drawn(stats.plot_stats())
    assert titles([left, right]) == ["means", "standard deviations"]
    for place, ax in enumerate((left, right)):
        assert [line.get_label() for line in ax.lines] == TITLES
        for hook, line in zip(stats, ax.lines, strict=True):
            assert line.get_xdata().tolist() == [1, 3, 5]
            np.testing.assert_allclose(line.get_ydata(), torch.stack(hook.stats[place]))
    (legend,) = left.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == TITLES
    left.figure.canvas.draw()


@pytest.mark.parametrize("name", ["color_dim", "dead_chart", "plot_stats"])
def test_charts_are_drawn_into_what_is_given(stats: ActivationStats, name: str) -> None:
    draw, count = getattr(stats, name), 2 if name == "plot_stats" else 3
    figure = plt.figure()
    left, right = drawn(figure.subfigures(1, 2))
    into = drawn(draw(figure=left))
    assert [ax.figure for ax in into] == [left] * count
    assert sum(ax.axison for ax in left.axes) == count
    given = drawn(list(right.subplots(2, 2).flat))
    assert draw(axes=given) == given[:count]
    assert draw(axes=np.array(given).reshape(2, 2)) == given[:count]
    assert all(ax.lines or ax.collections for ax in given[:count])
    assert not any(ax.lines or ax.collections for ax in given[count:])
    figure.canvas.draw()
    assert plt.get_fignums() == [figure.number]
    for wrong in ({"axes": given[:1]}, {"axes": given, "figure": left}):
        with pytest.raises(UsageError, match=f"give {count} axes"):
            draw(**wrong)
    assert plt.get_fignums() == [figure.number]


class Odd(nn.Module):
    """One part is used twice, one never, one is broken."""

    def __init__(self) -> None:
        super().__init__()
        self.twice, self.never, self.last = nn.Linear(16, 16), nn.Linear(1, 1), nn.Linear(16, 3)
        nn.init.constant_(self.last.weight, float("inf"))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.last(self.twice(self.twice(x.flatten(1))))
        return out


def test_odd_models_are_drawn(make_learner: Make) -> None:
    stats = ActivationStats()
    learn = make_learner([stats])
    learn.model = Odd()
    learn.fit(1, valid=False)
    assert [len(hook.stats[0]) for hook in stats] == [6, 0, 3]
    for draw in (stats.color_dim, stats.dead_chart, stats.plot_stats):
        axes = draw()
        axes[0].figure.canvas.draw()
    assert titles(stats.dead_chart()) == ["twice Linear", "last Linear"]
    assert [line.get_xdata().tolist()[-1] for line in drawn(stats.plot_stats())[0].lines] == [6, 3]
    plt.close("all")


def test_nothing_measured_is_said(make_learner: Make) -> None:
    stats = ActivationStats(lambda module: False)
    for _ in range(2):
        for draw in (stats.color_dim, stats.dead_chart, stats.plot_stats):
            with pytest.raises(LearnerError, match="nothing was measured"):
                draw()
        make_learner([stats]).fit(1)
    assert plt.get_fignums() == []


def test_matplotlib_is_loaded_to_draw_only() -> None:
    code = "import sys, miniai.activations, miniai.activation_plots; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=100).returncode == 0
