"""LayerStatsCB: statistics of each layer's output and step, as often as a small share of the time allows."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from miniai.callbacks.base import Callback
from miniai.callbacks.clock import TrainingClock, since_now
from miniai.callbacks.cost import Pace, Stopwatch, TokenBucket
from miniai.callbacks.drain import Drain
from miniai.callbacks.gradients import GRADIENT, StepNorms
from miniai.callbacks.histograms import Histograms
from miniai.hooks import Hook, Hooks, is_leaf
from miniai.run.events import Fact, Layer, LayersMeasured, Number, encode, number
from miniai.statistics import NONFINITE, first_tensor, summarize

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["LayerStatsCB", "measured_layers"]

MIN_GAP = 1.0
"""Seconds between two facts at least."""
EARLY, EARLY_GAP = 10.0, 0.25
"""In the first `EARLY` seconds of training they may come sooner: a run that is soon over has a history too."""
OF_PARAMETER = 4
"""Tags from here on are norms of a parameter, below are statistics of a layer."""
BURST, RATE = 2e6, 200.0
"""Bytes of facts at once, and a second in the long run: a day's run of 500 layers must stay small on disk."""

_SILENT = (
    nn.Identity, nn.Flatten, nn.Unflatten, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout,
    nn.FeatureAlphaDropout,
)  # fmt: skip


def measured_layers(model: nn.Module) -> list[tuple[Layer, nn.Module]]:
    """The layers that compute: modules without parts of their own, save those that only reshape or drop."""
    return [
        (Layer(name, type(module).__name__, _shape(module), sum(p.numel() for p in own(module))), module)
        for name, module in model.named_modules()
        if is_leaf(module) and not isinstance(module, (*_SILENT, nn.ModuleList, nn.ModuleDict))
    ]


def own(module: nn.Module) -> list[nn.Parameter]:
    """A layer's own parameters."""
    return list(module.parameters(recurse=False))


def _shape(module: nn.Module) -> str:
    """What a layer maps, "1>8"; for a norm the number of its channels; else empty."""
    for ins, outs in (("in_channels", "out_channels"), ("in_features", "out_features")):
        if hasattr(module, ins) and hasattr(module, outs):
            return f"{getattr(module, ins)}>{getattr(module, outs)}"
    return str(getattr(module, "num_features", ""))


class LayerStatsCB(Callback):
    """Emit LayersMeasured, and more rarely HistogramsMeasured.

    Per layer: mean, unbiased standard deviation, near-zero share and non-finite count of its output, the norm of its
    gradient as the optimizer gets it, and the norm of what the step changed in its weights over their norm.

    Exact over the whole batch of a training step, from the forward and backward pass and the step that train; on other
    batches there is no hook on the model. The first batch is measured; the next after the cost of a measurement has
    become the share `budget` of the training time. With `every`, each batch whose step is a multiple of it, if a
    second has passed; in a resumed fit that goes for the first one too.
    """

    order = 80

    def __init__(
        self,
        emit: Callable[[Fact], object],
        now: Callable[[], float] | None = None,
        clock: TrainingClock | None = None,
        *,
        model: nn.Module | None = None,
        every: int | None = None,
        budget: float = 0.03,
        stopwatch: Stopwatch | None = None,
        drain: Drain[tuple[int, int]] | None = None,
    ) -> None:
        self.emit, self.now, self.clock = emit, now or since_now(), clock or TrainingClock()
        self.every, self._pace = every, Pace(budget)
        self._layers = [] if model is None else measured_layers(model)
        self._watch = stopwatch or Stopwatch()
        self._drain: Drain[tuple[int, int]] = Drain() if drain is None else drain  # tag: layer, statistic
        self._bucket = TokenBucket(BURST, RATE)
        self._hooks: Hooks | None = None
        self._norms: StepNorms | None = None  # of the measurement that is on its way
        self._histograms = Histograms(self._drain._copy)
        self._values: dict[tuple[int, int], float] = {}
        self._step = 0  # of the measurement that is on its way; 0: none is
        self._due = 0.0
        self._first = True  # no batch of this fit is behind, in this process or another

    @property
    def layers(self) -> list[Layer]:
        """The measured layers, in the order of the facts' lists; known from the model or from the first fit on."""
        return [layer for layer, _ in self._layers]

    def before_fit(self, learn: Learner, /) -> None:
        """Find the layers."""
        self._layers = measured_layers(learn.model)
        self._first = True

    def before_epoch(self, learn: Learner, /) -> None:
        """A resumed fit is measured at the steps at which it would have been."""
        self._first &= learn.start is None

    def before_batch(self, learn: Learner, /) -> None:
        """Set the hooks if this batch is to be measured."""
        if not learn.training or self._step or self.clock.seconds < self._due or not self._layers:
            return
        if self.every is not None and (self._due > 0 or not self._first) and (learn.steps + 1) % self.every:
            return
        self._watch.reset()
        self._watch.start()
        self._drain.clear()
        self._norms = StepNorms(learn.model)
        self._histograms.begin(len(self._layers), self.clock.seconds)
        places = {id(module): i for i, (_, module) in enumerate(self._layers)}
        names = [layer.name for layer, _ in self._layers]
        self._hooks = Hooks([module for _, module in self._layers], partial(self._measure, places), names)
        self._watch.stop()

    def _measure(self, places: dict[int, int], _hook: Hook, module: nn.Module, _inputs: Any, output: Any) -> None:
        """The forward hook: four numbers of one layer's output, left on the device."""
        acts = first_tensor(output)
        if acts is None or acts.numel() == 0:
            return
        self._watch.start(acts.device)
        mean, std, counts = summarize(acts)
        if acts.numel() == 1:
            std = torch.zeros_like(mean)  # one number alone: the chart says 0 where the formula says nothing
        near_zero = counts[0] / acts.numel()
        for statistic, value in enumerate((mean, std, near_zero, counts[NONFINITE])):
            self._drain.push((places[id(module)], statistic), value)
        self._histograms.add(places[id(module)], counts)
        self._watch.stop(acts.device)

    def after_predict(self, _learn: Learner, /) -> None:
        """The forward pass is over: no hook stays."""
        self._unhook()

    def after_backward(self, _learn: Learner, /) -> None:
        """The gradients are there: their norms, and the weights that the step will change."""
        if self._hooks is not None and self._norms is not None:
            device = self._norms.device()
            self._watch.start(device)
            self._norms.before(self._push)
            self._watch.stop(device)

    def after_step(self, _learn: Learner, /) -> None:
        """The weights have changed."""
        if self._hooks is not None and self._norms is not None:
            device = self._norms.device()
            self._watch.start(device)
            self._norms.after(self._push)
            self._watch.stop(device)

    def _push(self, place: tuple[int, int], norm: Tensor) -> None:
        """A norm of one parameter, beside the four numbers of a layer."""
        self._drain.push((place[0], OF_PARAMETER + place[1]), norm)

    def after_batch(self, learn: Learner, /) -> None:
        """Emit what was measured, once the numbers have left the device."""
        if self._hooks is not None and learn.training:
            self._hooks, self._step, self._values = None, learn.steps, {}
        if self._step:
            self._collect(wait=False)

    def cleanup_batch(self, learn: Learner, /) -> None:
        """A batch that was cancelled was not trained: nothing is said of it."""
        self._unhook()
        if learn.leaving is not None:
            self._hooks = None
            if self._norms is not None:
                self._norms.forget()

    def cleanup_epoch(self, _learn: Learner, /) -> None:
        """Nothing stays on its way."""
        if self._step:
            self._collect(wait=True)

    def cleanup_fit(self, _learn: Learner, /) -> None:
        """No hook stays, whatever happened."""
        self._unhook()
        self._hooks, self._norms, self._step = None, None, 0
        self._drain.clear()
        self._histograms.clear()

    def _unhook(self) -> None:
        if self._hooks is not None:
            self._hooks.remove()

    def _collect(self, wait: bool) -> None:
        self._watch.start()
        self._values.update(self._drain.flush() if wait else self._drain.drain())
        here = self._histograms.ready()
        if len(self._drain) or not (here or wait):
            self._watch.stop()
            return
        step, at = self._step, self.now()
        fact = self._fact(at)
        self._step = 0
        self.emit(fact)
        histograms = self._histograms.collect(at, step, self.clock.seconds)
        if histograms is not None:
            self.emit(histograms)
        self._watch.stop()
        seconds = self.clock.seconds
        gap = EARLY_GAP if seconds < EARLY else MIN_GAP
        rest = gap if self.every is not None else max(gap, self._pace.rest(self._watch.seconds()))
        self._due = seconds + max(rest, self._bucket.spend(len(encode(fact)), seconds))

    def _fact(self, at: float) -> LayersMeasured:
        norms, values = self._norms, self._step_values()
        owned = [own(module) for _, module in self._layers]
        grads = [] if norms is None else [norms.norm(values, GRADIENT, of) for of in owned]
        ratios = [] if norms is None else [norms.ratio(values, of) for of in owned]
        total = None if norms is None else norms.norm(values, GRADIENT, norms.parameters)
        return LayersMeasured(
            at=at,
            step=self._step,
            means=self._column(0),
            stds=self._column(1),
            near_zero=self._column(2),
            nonfinite=[int(self._values.get((i, 3), 0)) for i in range(len(self._layers))],
            grads=[None if value is None else _short(value) for value in grads],
            ratios=[None if value is None else _short(value) for value in ratios],
            grad_norm=None if total is None else number(total),
        )

    def _step_values(self) -> dict[tuple[int, int], float]:
        """The norms of the step, by parameter and kind."""
        return {(i, s - OF_PARAMETER): value for (i, s), value in self._values.items() if s >= OF_PARAMETER}

    def _column(self, statistic: int) -> list[Number]:
        """One statistic of all layers; NaN for a layer that this forward pass did not use."""
        return [_short(self._values.get((i, statistic), math.nan)) for i in range(len(self._layers))]


def _short(value: float) -> Number:
    """To four digits."""
    return number(float(f"{value:.4g}"))
