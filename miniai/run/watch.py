"""Watch: rules that find what is wrong with a run in the facts that it tells anyway; nothing waits for a device.

It stands in the trainer, not on the screen: so an alert is in the journal, on every screen and in a headless log.
"""

from __future__ import annotations

import math
import statistics
from collections import deque
from collections.abc import Callable
from typing import Any

from miniai.run.diverging import Diverging
from miniai.run.events import (
    Alerted,
    EpochEnded,
    EpochStarted,
    Fact,
    FitStarted,
    Layer,
    LayersMeasured,
    Progressed,
    Scalars,
    SystemSampled,
)

__all__ = ["Watch"]

RECENT, ENOUGH = 100, 30
"""Training losses that the median and the scatter are taken of, and how many there must be."""
SPIKE_TIMES, SPIKE_SCATTER = 2.0, 10.0
"""A spike is so many times the median, and lies so many median absolute deviations above it."""
REFRESH, NEAR = 20, 1.5
"""The median is taken anew after so many losses; one so many times as large is compared closely, all others pass."""
PATIENCE, GAIN = 5, 0.001
"""Validations without a gain of this share of the best loss that make a plateau."""
DEAD_SHARE, DEAD_STD, DEAD_TIMES = 0.99, 1e-3, 3
"""A layer is dead if so much of its output is near zero and its deviation so small, so many measurements running."""
WAIT_SHARE, WAIT_SECONDS, WAIT_LONG = 0.5, 10.0, 15.0
"""The loader is slow if it takes this share of so many seconds at least; it stalls if one report waits so long."""
DISK_LEFT = 1024
"""MiB that the disk must have left."""


class Watch:
    """A listener of facts that emits `Alerted`, each rule once for each subject."""

    def __init__(self) -> None:
        self.emit: Callable[[Fact], object] = bool
        """Where the alerts go; to be set before the first fact."""
        self._said: set[tuple[str, object]] = set()
        self._layers: list[Layer] = []
        self._losses: deque[float] = deque(maxlen=RECENT)
        self._since, self._unusual = 0, math.inf
        self._divergence = Diverging()
        self._best, self._best_epoch, self._worse = math.inf, 0, 0
        self._dead: dict[int, int] = {}
        self._waited, self._phase = 0.0, ""

    def __call__(self, fact: Fact) -> None:
        """Look at one fact."""
        match fact:
            case Scalars(name="loss"):
                self._spike(fact)
                self._diverging(fact)
            case Progressed():
                self._loader(fact)
            case LayersMeasured():
                self._measured(fact)
            case EpochStarted():
                self._waited = 0.0
            case EpochEnded(phase="valid", ended="complete"):
                self._plateau(fact)
            case FitStarted():
                self._layers = fact.layers
            case SystemSampled(disk_free=int(left)) if left < DISK_LEFT:
                text = f"the disk is nearly full: {left} MiB left where this run is kept"
                self._say(fact.at, "disk", text, f"less than {DISK_LEFT} MiB left")

    def state_dict(self) -> dict[str, Any]:
        """What was said, and what the rules have counted, in plain values."""
        return {
            "said": sorted(self._said, key=repr),
            "losses": list(self._losses),
            "usual": (self._since, self._unusual),
            "diverging": self._divergence.state_dict(),
            "best": (self._best, self._best_epoch, self._worse),
            "dead": self._dead,
            "waited": self._waited,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a `state_dict`; what was said since stays said."""
        self._said.update(state["said"])
        self._losses = deque(state["losses"], maxlen=RECENT)
        self._since, self._unusual = state["usual"]
        if "diverging" in state:  # a checkpoint of an older version has none
            self._divergence.load_state_dict(state["diverging"])
        self._best, self._best_epoch, self._worse = state["best"]
        self._dead, self._waited = dict(state["dead"]), state["waited"]

    def _say(self, at: float, topic: str, text: str, rule: str, step: int = 0, subject: object = None) -> None:
        """Once for each topic and subject."""
        if (topic, subject) not in self._said:
            self._said.add((topic, subject))
            self.emit(Alerted(at=at, topic=topic, text=text, step=step, rule=rule))

    def _spike(self, fact: Scalars) -> None:
        if ("spike", None) in self._said:
            return
        for i, value in enumerate(map(float, fact.values)):
            if not math.isfinite(value):
                continue
            if value > self._unusual:
                self._compare(value, fact.at, fact.first + i * fact.stride)
            self._losses.append(value)
            self._since += 1
            if self._since >= REFRESH and len(self._losses) >= ENOUGH:
                self._since, self._unusual = 0, NEAR * abs(statistics.median(self._losses))

    def _compare(self, value: float, at: float, step: int) -> None:
        """Look closely at a loss that is larger than most."""
        middle = statistics.median(self._losses)
        scatter = statistics.median(abs(x - middle) for x in self._losses)
        if middle > 0 and value > SPIKE_TIMES * middle and value > middle + SPIKE_SCATTER * scatter:
            text = f"the training loss jumped to {value:.4g}, {value / middle:.1f} times what it was"
            rule = (
                f"a loss above {SPIKE_TIMES:g} times the median of the last {len(self._losses)} ({middle:.4g})"
                f" and {SPIKE_SCATTER:g} median deviations over it"
            )
            self._say(at, "spike", text, rule, step)

    def _diverging(self, fact: Scalars) -> None:
        for i, value in enumerate(map(float, fact.values)):
            if text := self._divergence.take(value):
                self._say(fact.at, "diverging", text, Diverging.rule, fact.first + i * fact.stride)

    def _plateau(self, fact: EpochEnded) -> None:
        loss = float(fact.metrics.get("loss", math.nan))
        if loss < self._best - GAIN * abs(self._best) or (math.isinf(self._best) and math.isfinite(loss)):
            self._best, self._best_epoch, self._worse = loss, fact.epoch, 0
            return
        self._worse += 1
        if self._worse >= PATIENCE and math.isfinite(self._best):
            text = f"no better validation loss for {self._worse} epochs: the best was {self._best:.4g} at epoch "
            rule = f"{PATIENCE} validations that are not {100 * GAIN:g} % better than the best"
            self._say(fact.at, "plateau", f"{text}{self._best_epoch + 1}", rule, fact.step, self._best_epoch)

    def _measured(self, fact: LayersMeasured) -> None:
        dead, broken = list[int](), list[int]()
        for i, (near_zero, std, bad) in enumerate(zip(fact.near_zero, fact.stds, fact.nonfinite, strict=False)):
            still = float(near_zero) >= DEAD_SHARE and float(std) <= DEAD_STD
            self._dead[i] = self._dead.get(i, 0) + 1 if still else 0
            if self._dead[i] >= DEAD_TIMES and ("dead", i) not in self._said:
                self._said.add(("dead", i))
                dead.append(i)
            if bad:
                broken.append(i)
        if dead:
            rule = (
                f"{100 * DEAD_SHARE:g} % of the output near zero and a standard deviation of at most {DEAD_STD:g} "
                f"in {DEAD_TIMES} measurements running"
            )
            verb = "is" if len(dead) == 1 else "are"
            self._say(fact.at, "dead layer", f"{self._names(dead)} {verb} dead", rule, fact.step, fact.step)
        if broken:
            verb = "gives" if len(broken) == 1 else "give"
            text = f"{self._names(broken)} {verb} NaN or infinite numbers"
            self._say(fact.at, "nan layer", text, "any activation that is not finite", fact.step)

    def _names(self, indices: list[int]) -> str:
        """The first layers by name and kind, and how many more."""
        names = [
            f"{self._layers[i].name} {self._layers[i].kind}" if i < len(self._layers) else f"number {i}"
            for i in indices[:3]
        ]
        more = f" and {len(indices) - 3} more" if len(indices) > 3 else ""
        return f"layer{'s' if len(indices) > 1 else ''} {', '.join(names)}{more}"

    def _loader(self, fact: Progressed) -> None:
        once, self._waited = fact.waited - self._waited, fact.waited
        if once >= WAIT_LONG:
            text = f"the loader stood still: {once:.0f} s of waiting for a batch"
            self._say(fact.at, "stalled", text, f"{WAIT_LONG:g} s of waiting between two reports")
        elif fact.seconds >= WAIT_SECONDS and fact.waited >= WAIT_SHARE * fact.seconds:
            share = 100 * fact.waited / fact.seconds
            text = f"waiting for data {share:.0f} % of the time: the loader is slower than the model"
            rule = f"{100 * WAIT_SHARE:g} % or more of a half epoch that lasts at least {WAIT_SECONDS:g} s"
            self._say(fact.at, "data", text, rule)
