"""Which time and which epoch a train step belongs to: a bounded list of known places, straight lines between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from miniai.run import events as ev

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from tui.state.run import Section

    Floats: TypeAlias = NDArray[Any]

__all__ = ["Knots", "StepClock", "Unit"]

Unit: TypeAlias = Literal["steps", "epochs", "time"]
"""What the chart's axis counts: train steps, epochs done, seconds since the run began."""
MOST = 2048
"""Places that are held; when they are full every second one is dropped."""


class Knots:
    """Places (step, value), both never falling; two at one step are a jump."""

    def __init__(self) -> None:
        self.steps: list[float] = []
        self.values: list[float] = []

    def add(self, step: float, value: float) -> None:
        """A place at or after the last one; others are passed over."""
        if self.steps and (step < self.steps[-1] or value < self.values[-1]):
            return
        if self.steps and (step, value) == (self.steps[-1], self.values[-1]):
            return
        if len(self.steps) >= 2 and self.steps[-1] == self.steps[-2] == step:  # only the ends of a jump matter
            self.values[-1] = value
            return
        self.steps.append(step)
        self.values.append(value)
        if len(self.steps) > MOST:
            self.steps, self.values = self.steps[::2], self.values[::2]

    def drop_after(self, step: float) -> None:
        """Forget later places."""
        while self.steps and self.steps[-1] > step:
            self.steps.pop()
            self.values.pop()

    def cut_at(self, step: float) -> None:
        """Forget later places, and keep what was known of this one."""
        if self.steps and self.steps[-1] > step > self.steps[0]:
            import numpy as np

            value = float(self.at(np.asarray([step]))[0])
            self.drop_after(step)
            self.add(step, value)
        else:
            self.drop_after(step)

    def end_at(self, most: float) -> None:
        """Let a jump at the last step end at a value of at most this."""
        if len(self.steps) >= 2 and self.steps[-1] == self.steps[-2]:
            self.values[-1] = max(min(self.values[-1], most), self.values[-2])

    def at(self, steps: Floats) -> Floats:
        """Values at the steps; at a jump, those before it: a step ends before what follows it."""
        import numpy as np

        known, values = np.asarray(self.steps[::-1]), np.asarray(self.values[::-1])
        found: Floats = np.interp(-np.asarray(steps, np.float64), -known, values)
        return found


class StepClock:
    """Takes what facts say about the time and the epoch of a step."""

    section: Section = "loss"

    def __init__(self) -> None:
        self.time, self.epoch = Knots(), Knots()
        self._ahead = 0.0
        """What the times of facts are moved by, in seconds: nothing is counted between the step that a run was resumed
        at and its first half epoch in the new process."""
        self._before: list[tuple[float, float]] = []
        """`_ahead` of the processes before, and until which `at`."""
        self._resumed: ev.RunResumed | None = None
        """Until that half epoch has begun."""
        self._half: tuple[int, int, int] | None = None
        """First step, number and batches of the training half that runs."""

    def apply(self, fact: ev.AnyFact) -> bool:
        """Take a fact; what follows from it is drawn with the values that it places."""
        if self._resumed is not None and isinstance(fact, ev.EpochStarted):
            self._ahead = (self.time.values or [0.0])[-1] - fact.at
        at = fact.at + self._ahead
        match fact:
            case ev.Scalars(name="loss") if fact.values:
                end = fact.first + fact.stride * (len(fact.values) - 1)
                for step, when in fact.times or [(end, fact.at)]:
                    self._reached(step, when + self._ahead)
            case ev.EpochStarted(phase="train"):
                self.time.add(fact.step, at)
                self.epoch.add(fact.step, fact.epoch)
                self._half = (self._first(fact), fact.epoch, fact.batches)
                self._resumed = None
            case ev.EpochStarted():
                self._resumed = None
            case ev.EpochEnded(phase="train"):
                self.time.add(fact.step, at)
                done = 1.0 if fact.ended == "complete" else min(fact.batches / max(fact.of, 1), 1.0)
                self.epoch.drop_after(fact.step - 1 if fact.batches else fact.step)
                self.epoch.add(fact.step, fact.epoch + done)
                self._half = None
            case ev.Paused():
                self.time.add(fact.step, at)
            case ev.Continued() if self.time.steps:
                self.time.add(self.time.steps[-1], at)
            case ev.RunResumed():
                self.time.cut_at(fact.step)
                self.epoch.cut_at(fact.step)
                if fact.saved_at is not None:  # what followed at this very step is done again, and takes its time again
                    self.time.end_at(fact.saved_at + self._ahead_at(fact.saved_at))
                self._before.append((fact.at, self._ahead))
                self._ahead = (self.time.values or [0.0])[-1] - fact.at
                self._resumed, self._half = fact, None
        return False

    def _ahead_at(self, at: float) -> float:
        """What the facts of a time were moved by."""
        return next((ahead for until, ahead in self._before if at <= until), self._ahead)

    def _first(self, fact: ev.EpochStarted) -> int:
        """The step at which a training half began; one that goes on began before it was resumed."""
        again = self._resumed
        if again is None or (again.epoch, again.phase, again.step) != (fact.epoch, "train", fact.step):
            return fact.step
        return fact.step - again.batch

    def _reached(self, step: int, at: float) -> None:
        self.time.add(step, at)
        if self._half is not None and step > self._half[0]:
            first, epoch, batches = self._half
            value = epoch + min((step - first) / max(batches, 1), 1.0)
            if len(self.epoch.steps) > 1 and self.epoch.steps[-2] >= first and self.epoch.steps[-1] > first:
                self.epoch.drop_after(max(self.epoch.steps[-2], first))  # one place marks how far the half is
            self.epoch.add(step, value)

    def knows(self, unit: Unit) -> bool:
        """Whether steps can be told in this unit yet."""
        return unit == "steps" or len(self._knots(unit).steps) > 1

    def to(self, unit: Unit, steps: Floats) -> Floats:
        """Steps in another unit: seconds, or epochs done (1.5: half of the second)."""
        return steps if unit == "steps" else self._knots(unit).at(steps)

    def one(self, unit: Unit, step: float) -> float:
        """The same for one step."""
        if unit == "steps":
            return step
        import numpy as np

        return float(self._knots(unit).at(np.asarray([step]))[0])

    def step(self, unit: Unit, value: float) -> float:
        """The step at a value of another unit."""
        if unit == "steps":
            return value
        import numpy as np

        knots = self._knots(unit)
        return float(np.interp(value, knots.values, knots.steps))

    def _knots(self, unit: Unit) -> Knots:
        return self.epoch if unit == "epochs" else self.time
