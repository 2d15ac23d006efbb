"""What goes on inside a model: means, standard deviations and histograms of the activations, layer by layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from miniai.callbacks.clock import TrainingClock
from miniai.callbacks.cost import Pace, Stopwatch
from miniai.callbacks.drain import Copy, start_copy
from miniai.callbacks.fetch import fetch
from miniai.errors import UsageError
from miniai.hooks import Hook, Hooks, HooksCallback, is_leaf
from miniai.seed import set_seed
from miniai.statistics import ABOVE, BINS, NONFINITE, first_tensor, summarize

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from miniai.learner import Learner

__all__ = ["ActivationStats", "Hook", "Hooks", "HooksCallback", "append_stats", "get_hist", "get_min", "set_seed"]


def _begin(hook: Hook) -> None:
    hook.stats, hook.above, hook.nonfinite = ([], [], []), [], []


def append_stats(hook: Hook, _mod: nn.Module, _inp: Any, outp: Any) -> None:
    """Append one batch's statistics of the output to `hook.stats`: mean, standard deviation, histogram.

    Mean and (unbiased) standard deviation are of the signed activations, the histogram is of their absolute values,
    40 bins over 0 to 10. What lies above 10 is counted in `hook.above`, what is NaN or infinite in
    `hook.nonfinite`. All stay on the device. Of an output in several parts, a tuple or a dict, the first tensor of
    floating type counts; from an output without one, nothing is taken.
    """
    if not hasattr(hook, "stats"):
        _begin(hook)
    acts = first_tensor(outp)
    if acts is None:
        return
    mean, std, counts = summarize(acts)
    hook.stats[0].append(mean)
    hook.stats[1].append(std)
    hook.stats[2].append(counts[:BINS])
    hook.above.append(counts[ABOVE])
    hook.nonfinite.append(counts[NONFINITE])


def _stacked(h: Hook) -> Tensor:
    """The histograms of `h` as float64 (40 bins, batches) on the CPU; (40, 0) if nothing was measured."""
    histograms = h.stats[2] if hasattr(h, "stats") else []
    return torch.stack(histograms).t().cpu().double() if histograms else torch.zeros(BINS, 0, dtype=torch.float64)


def get_hist(h: Hook) -> Tensor:
    """log1p of the histograms of hook `h`, float32 (40 bins, batches), on the CPU."""
    return _stacked(h).log1p().float()


def get_min(h: Hook) -> Tensor:
    """Share, 0 to 1, of near-zero activations (in the lowest bin: below 0.25) of hook `h`, (batches,), on the CPU.

    It is a share of all activations: those above 10 and those that are not finite are in the whole. Where none is
    finite nothing is known of their sizes, and it is NaN.
    """
    histograms = _stacked(h)
    finite = histograms.sum(0)
    if getattr(h, "above", []):
        finite += torch.stack(h.above).cpu()
    broken = torch.stack(h.nonfinite).cpu() if getattr(h, "nonfinite", []) else 0
    return (histograms[0] / (finite + broken)).where(finite > 0, torch.nan).float()


class _Budget:
    """Says when to measure again so that all measurements take the share `share` of the time."""

    def __init__(self, share: float, clock: TrainingClock, watch: Stopwatch) -> None:
        self._clock, self._watch, self._pace = clock, watch, Pace(share)
        self._due = 0.0
        self._last: Tensor | None = None
        self._on_its_way: Copy | None = None

    def allows(self) -> bool:
        """Whether it is time; if so, a measurement begins."""
        self._settle()
        if self._on_its_way is not None or self._clock.seconds < self._due:
            return False
        self._watch.reset()
        return True

    def spend(self, hook: Hook, module: nn.Module, inputs: Any, output: Any, device: torch.device) -> None:
        """Measure one output, on `device`, as a part of the measurement."""
        self._watch.start(device)
        append_stats(hook, module, inputs, output)
        self._watch.stop(device)
        self._last = hook.stats[0][-1]

    def end(self) -> None:
        """The measurement is over as soon as the device has done what it was told."""
        if self._last is not None:
            self._on_its_way, self._last = start_copy(self._last), None
            self._settle()

    def _settle(self) -> None:
        if self._on_its_way is not None and self._on_its_way.ready():
            self._on_its_way = None
            self._due = self._clock.seconds + self._pace.rest(self._watch.seconds())


class ActivationStats(HooksCallback):
    """Statistics of the outputs of all modules that pass `mod_filter` (by default the leaves), of training batches.

    Every batch is measured, or, with `every`, the first and then each `every`-th; with `budget`, a share of the time,
    as many of those as it pays for, whatever the model. What is measured is exact. Iterates over its hooks: see
    `append_stats` for what each holds. UsageError if `every` is below 1 or `budget` is not between 0 and 1.

    It costs one to two nanoseconds an activation on the CPU; no batch waits for a GPU. In the fit the
    statistics stay on the model's device, after it they are on the CPU.
    """

    def __init__(
        self,
        mod_filter: Callable[[nn.Module], object] = is_leaf,
        *,
        every: int = 1,
        budget: float | None = None,
        clock: TrainingClock | None = None,
        stopwatch: Stopwatch | None = None,
    ) -> None:
        if every < 1:
            raise UsageError(f"every={every}: measure every batch (1) or each k-th (a whole number above 1)")
        if budget is not None and not 0 < budget <= 1:
            raise UsageError(f"budget={budget}: give a share of the time, above 0 and up to 1, or None for no limit")
        super().__init__(append_stats, mod_filter)
        self.every, self.budget = every, budget
        self.steps: list[int] = []
        """The steps of training that were measured, one for each entry in the lists of a hook."""
        self._budget = None if budget is None else _Budget(budget, clock or TrainingClock(), stopwatch or Stopwatch())
        self._batches = 0
        self._measuring = self._first = False

    def before_fit(self, learn: Learner, /) -> None:
        """Set the hooks, with nothing in them."""
        super().before_fit(learn)
        for hook in self.hooks:
            _begin(hook)
        self.steps, self._batches, self._measuring = [], 0, False

    def before_batch(self, learn: Learner, /) -> None:
        """Decide whether this batch is measured."""
        if learn.training:
            wanted = self._batches % self.every == 0
            self._measuring = self._first = wanted and (self._budget is None or self._budget.allows())
            self._batches += 1

    def _hookfunc(self, learn: Learner, hook: Hook, module: nn.Module, inputs: Any, output: Any) -> None:
        acts = first_tensor(output) if self._measuring else None
        if acts is None:
            return
        if self._first:
            self.steps.append(learn.steps + 1)
            self._first = False
        if self._budget is None:
            append_stats(hook, module, inputs, output)
        else:
            self._budget.spend(hook, module, inputs, output, acts.device)

    def after_predict(self, _learn: Learner, /) -> None:
        """The forward pass is over; what runs again for the backward pass is not measured twice."""
        self._end()

    def cleanup_batch(self, _learn: Learner, /) -> None:
        """Nothing is measured outside a batch, however it ended."""
        self._end()

    def cleanup_fit(self, learn: Learner, /) -> None:
        """Take the hooks off and bring what they have found to the CPU, however the fit ended."""
        super().cleanup_fit(learn)
        fetch(values for hook in self.hooks for values in (*hook.stats, hook.above, hook.nonfinite))

    def _end(self) -> None:
        if self._measuring and self._budget is not None:
            self._budget.end()
        self._measuring = False

    def color_dim(self, figsize: tuple[float, float] | None = None, **place: Any) -> list[Axes]:
        """Draw each layer's histograms over time, dark for few and bright for many (log scale); returns the axes.

        With `figure=` or `axes=` into those: see `miniai.activation_plots`.
        """
        from miniai.activation_plots import color_dim

        return color_dim(self, figsize, **place)

    def dead_chart(self, figsize: tuple[float, float] | None = None, **place: Any) -> list[Axes]:
        """Draw each layer's share of near-zero activations over time; places and result as for `color_dim`."""
        from miniai.activation_plots import dead_chart

        return dead_chart(self, figsize, **place)

    def plot_stats(self, figsize: tuple[float, float] = (10, 4), **place: Any) -> list[Axes]:
        """Draw all layers' means (left) and standard deviations (right) over time; returns the two axes.

        With `figure=` or two `axes=` into those.
        """
        from miniai.activation_plots import plot_stats

        return plot_stats(self, figsize, **place)
