"""The rules that find what is wrong with a run: when each fires, that it fires once, and when it keeps silent."""

from __future__ import annotations

import itertools
import json
import math
import random
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniai import trainer
from miniai.config import RunConfig
from miniai.plain import from_plain, to_plain
from miniai.run import events as ev
from miniai.run.control import RunControl
from miniai.run.directory import RunDir, create_run
from miniai.run.reporter import Reporter
from miniai.run.watch import Watch


class Heard:
    """Alerts of a watch."""

    def __init__(self) -> None:
        self.alerts: list[ev.Alerted] = []
        self.watch = Watch()
        self.watch.emit = self._hear

    def _hear(self, fact: ev.Fact) -> None:
        assert isinstance(fact, ev.Alerted)
        self.alerts.append(fact)
        self.watch(fact)  # as the reporter does

    def tell(self, *facts: ev.Fact) -> list[str]:
        for fact in facts:
            self.watch(fact)
        return [alert.topic for alert in self.alerts]


def losses(first: int, values: list[float], at: float = 1.0) -> ev.Scalars:
    return ev.Scalars(at=at, name="loss", first=first, values=ev.numbers(values))


def ended(epoch: int, loss: float, **more: object) -> ev.EpochEnded:
    values: dict[str, object] = {
        "at": 1.0, "phase": "valid", "metrics": {"loss": ev.number(loss)}, "batches": 1, "of": 1, "samples": 1,
        "seconds": 1.0, "step": 10 * epoch,
    }  # fmt: skip
    return ev.EpochEnded(epoch=epoch, **(values | more))  # type: ignore[arg-type]


def measured(step: int, near_zero: list[float], stds: list[float], nonfinite: list[int]) -> ev.LayersMeasured:
    zeros: list[ev.Number] = [0.0] * len(stds)
    return ev.LayersMeasured(
        at=1.0, step=step, means=zeros, stds=ev.numbers(stds), near_zero=ev.numbers(near_zero), nonfinite=nonfinite
    )


def progressed(seconds: float, waited: float) -> ev.Progressed:
    return ev.Progressed(at=1.0, epoch=0, phase="train", batch=1, samples=1, seconds=seconds, waited=waited, metrics={})


def fit_started(layers: int = 5) -> ev.FitStarted:
    return ev.FitStarted(
        at=0.0, epochs=1, model="m", parameters=1, device="cpu", batch_size=1, train_batches=1, valid_batches=1,
        lr=0.1, opt="sgd", metrics=[], layers=[ev.Layer(str(i), "ReLU") for i in range(layers)],
    )  # fmt: skip


def test_a_spike_is_said_once_with_its_step_and_rule() -> None:
    heard, noise = Heard(), random.Random(0)
    calm = [0.5 + noise.gauss(0, 0.03) for _ in range(60)]
    assert heard.tell(losses(1, calm)) == []
    assert heard.tell(losses(61, [0.5, 4.0, 4.5]), losses(64, [9.0])) == ["spike"]
    (alert,) = heard.alerts
    assert alert.step == 62
    assert "jumped to 4" in alert.text
    assert "2 times the median" in alert.rule


def test_a_loss_that_goes_up_for_good_is_said_once() -> None:
    """So slowly that no single value is a spike."""
    heard = Heard()
    rising = [0.5 * 1.02**i for i in range(400)]
    assert heard.tell(losses(1, rising)) == ["diverging"]
    (alert,) = heard.alerts
    assert alert.step % 20 == 0
    middle = (rising[alert.step - 10] + rising[alert.step - 11]) / 2  # of its window
    least = (rising[9] + rising[10]) / 2
    assert 10 * least < middle < 10 * least * 1.02**20
    assert f"from 0.5 to {middle:.4g}: it diverges" in alert.text


def test_a_loss_that_leaps_at_the_second_batch_and_stays() -> None:
    """Before there is anything usual to compare it with."""
    heard = Heard()
    assert heard.tell(losses(1, [2.3, *(7e9 + i for i in range(50))])) == ["diverging"]
    assert heard.alerts[0].step == 20
    assert "from 2.3 to 7e+09" in heard.alerts[0].text


@given(st.lists(st.floats(1.0, 9.9), min_size=1, max_size=300), st.floats(1e-6, 1e6), st.booleans())
def test_a_loss_that_stays_within_ten_times_or_is_negative_does_not_diverge(
    values: list[float], scale: float, negative: bool
) -> None:
    sign = -1 if negative else 1
    assert "diverging" not in Heard().tell(losses(1, [sign * scale * value for value in values]))


def test_a_noisy_falling_or_broken_loss_is_no_spike() -> None:
    noise = random.Random(1)
    falling = [2.3 * math.exp(-i / 200) + noise.gauss(0, 0.08) for i in range(600)]
    assert Heard().tell(losses(1, falling)) == []
    assert Heard().tell(losses(1, [0.5] * 60 + [math.nan] * 60 + [math.inf, 0.5])) == []
    assert Heard().tell(losses(1, [0.5] * 10 + [50.0])) == []  # too few to know what is usual


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), max_size=200))
def test_any_losses_give_one_spike_at_most(values: list[float]) -> None:
    assert len(Heard().tell(*(losses(i, [v]) for i, v in enumerate(values)))) <= 1


def test_a_plateau_is_said_once_and_again_after_a_new_best() -> None:
    heard = Heard()
    assert heard.tell(ended(0, 0.5), *(ended(e, 0.5) for e in range(1, 5))) == []
    assert heard.tell(*(ended(e, 0.4999) for e in range(5, 12))) == ["plateau"]
    assert "for 5 epochs: the best was 0.5 at epoch 1" in heard.alerts[0].text
    assert heard.tell(ended(12, 0.3), *(ended(e, 0.4) for e in range(13, 20))) == ["plateau", "plateau"]


def test_halves_that_were_cut_short_and_training_are_no_plateau() -> None:
    cut = [ended(e, 0.5, ended="skipped") for e in range(20)]
    train = [ended(e, 0.5, phase="train") for e in range(20)]
    assert Heard().tell(*cut, *train, *(ended(e, math.nan) for e in range(20))) == []


def test_dead_layers_are_named_once() -> None:
    heard = Heard()
    dead = [1.0, 1.0, 1.0, 0.5, 1.0]
    stds = [0.0, 1e-4, 0.2, 0.0, 0.0]
    facts = [measured(step, dead, stds, [0] * 5) for step in range(1, 10)]
    assert heard.tell(fit_started(), *facts[:2]) == []
    assert heard.tell(*facts[2:]) == ["dead layer"]
    assert heard.alerts[0].text == "layers 0 ReLU, 1 ReLU, 4 ReLU are dead"
    late = [measured(step, [0, 0, 1.0, 0, 0], [1, 1, 0.0, 1, 1], [0] * 5) for step in range(20, 23)]
    assert heard.tell(*late) == ["dead layer"] * 2
    assert heard.alerts[1].text == "layer 2 ReLU is dead"


def test_a_layer_that_recovers_is_not_dead() -> None:
    turns = [measured(step, [1.0], [0.0 if step % 3 else 1.0], [0]) for step in range(30)]
    assert Heard().tell(fit_started(1), *turns) == []


def test_a_layer_with_nan_is_named_at_its_step() -> None:
    heard = Heard()
    assert heard.tell(fit_started(2), measured(7, [0, 0], [1, 1], [0, 3]), measured(8, [0, 0], [1, 1], [1, 3])) == [
        "nan layer"
    ]
    assert (heard.alerts[0].step, heard.alerts[0].text) == (7, "layer 1 ReLU gives NaN or infinite numbers")


def test_a_slow_loader() -> None:
    heard = Heard()
    assert heard.tell(progressed(5.0, 4.0), progressed(30.0, 10.0)) == []
    assert heard.tell(progressed(40.0, 24.4), progressed(50.0, 30.5)) == ["data"]
    assert "waiting for data 61 % of the time" in heard.alerts[0].text


def test_a_loader_that_stood_still() -> None:
    heard = Heard()
    start = ev.EpochStarted(at=1, epoch=1, phase="train", batches=9, step=0)
    assert heard.tell(progressed(100.0, 14.0), start, progressed(100.0, 10.0)) == []
    assert heard.tell(progressed(130.0, 30.0)) == ["stalled"]


@pytest.mark.parametrize(("left", "said"), [(None, []), (50_000, []), (1024, []), (900, ["disk"])])
def test_a_disk_that_is_nearly_full(left: int | None, said: list[str]) -> None:
    sample = ev.SystemSampled(at=1.0, disk_free=left)
    assert Heard().tell(sample, sample) == said


EVENTFUL: list[ev.Fact] = [
    fit_started(2),
    *(losses(1 + 20 * i, [0.5, 0.6] * 10) for i in range(3)), losses(61, [9.0]), losses(62, [9.0]),
    losses(63, [9.0] * 10), losses(73, [9.0] * 30),
    *(measured(s, [1.0, 0.0], [0.0, 1.0], [0, s > 3]) for s in range(1, 6)),
    *(ended(e, 0.5 if e else 0.4) for e in range(8)),
    progressed(8.0, 7.0), progressed(20.0, 14.0), ev.SystemSampled(at=1.0, disk_free=3),
]  # fmt: skip


@given(st.lists(st.integers(0, len(EVENTFUL)), max_size=3))
def test_a_resumed_run_is_watched_as_if_it_had_not_been_interrupted(cuts: list[int]) -> None:
    whole = Heard()
    whole.tell(*EVENTFUL)
    told, state, places = list[ev.Alerted](), Watch().state_dict(), [0, *sorted(cuts), len(EVENTFUL)]
    for start, end in itertools.pairwise(places):
        heard = Heard()
        heard.tell(fit_started(2))  # as every process begins
        heard.watch.load_state_dict(from_plain(json.loads(json.dumps(to_plain(state)))))
        heard.tell(*EVENTFUL[start:end])
        told, state = told + heard.alerts, heard.watch.state_dict()
    assert told == whole.alerts
    assert len({alert.topic for alert in told}) == len(told) == 7


def test_what_was_said_before_the_state_is_there_is_not_said_again() -> None:
    heard, sample = Heard(), ev.SystemSampled(at=1.0, disk_free=3)
    heard.tell(sample)
    heard.watch.load_state_dict(Watch().state_dict())
    assert heard.tell(sample) == ["disk"]


def test_the_wait_before_an_interruption_is_no_wait_after_it() -> None:
    heard = Heard()
    state = Watch().state_dict() | {"waited": 40.0}
    heard.tell(ev.EpochStarted(at=1.0, epoch=0, phase="train", batches=10, step=3))
    heard.watch.load_state_dict(state)
    assert heard.tell(progressed(100.0, 41.0)) == []


class Job:
    """What a trainer does here: it tells that the disk is nearly full."""

    step = 0

    def __init__(self, run: RunDir, config: RunConfig, control: RunControl, reporter: Reporter) -> None:
        self.reporter = reporter

    def run(self) -> str:
        self.reporter.emit(ev.SystemSampled(at=1.0, disk_free=3))
        return "done"


@pytest.mark.parametrize(("job", "said"), [("fit", ["disk"]), ("lr-find", [])])
def test_the_trainer_of_a_fit_watches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, job: str, said: list[str]
) -> None:
    monkeypatch.setattr(trainer, "_job", lambda config: Job)
    run = create_run(tmp_path, msgspec.convert({"job": job}, RunConfig))
    trainer.host(run, RunControl())
    facts = [ev.decode(line) for line in run.journal.read_bytes().splitlines()]
    assert [f.topic for f in facts if isinstance(f, ev.Alerted)] == said
    assert isinstance(facts[-1], ev.FitEnded)


def test_every_rule_says_what_it_is() -> None:
    heard = Heard()
    heard.tell(
        fit_started(1), losses(1, [0.5] * 60 + [9.0]), *(ended(e, 0.5) for e in range(9)), progressed(20.0, 14.0),
        *(measured(s, [1.0], [0.0], [1]) for s in range(5)), ev.SystemSampled(at=1.0, disk_free=1),
    )  # fmt: skip
    assert {a.topic for a in heard.alerts} == {"spike", "plateau", "data", "dead layer", "nan layer", "disk"}
    assert all(alert.rule for alert in heard.alerts)
    assert all(ev.decode(ev.encode(alert)) == alert for alert in heard.alerts)
