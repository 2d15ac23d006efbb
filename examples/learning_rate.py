"""Find a learning rate, then let it rise and fall.

`lr_find` trains for a few batches with a rate that grows by 30 % each, until the loss grows too, and suggests the rate
where the loss fell fastest. Then the net is trained with a tenth of it, with it, and with ten times as much, each time
from the same weights: with a constant rate, and with a one-cycle schedule, which warms up to that rate and cools down
again. Held constant, ten times the suggestion is no better than it. One-cycle makes use of that rate and ends best.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch.nn.functional as F
from _common import Curve, loaders, options, save, show_table
from torch import optim
from torch.optim.lr_scheduler import OneCycleLR

from miniai import Callback, DataLoaders, LearnerError, MetricsCB, TrainLearner, set_seed
from miniai.learner import LRFinderCB
from miniai.metrics import Accuracy
from miniai.models import build
from miniai.plotting import subplots
from miniai.sgd import BatchSchedCB, RecorderCB

RATES = {"a tenth": 0.1, "the suggestion": 1.0, "ten times": 10.0}
"""What the suggested rate is multiplied by."""


class Fit(NamedTuple):
    """What is left of a training."""

    rates: list[float]
    """At each batch."""
    losses: list[float]
    """Of the validation images, after each epoch."""
    accuracy: list[float]
    """The same."""


def learner(dls: DataLoaders, seed: int, cbs: Sequence[Callback] = ()) -> TrainLearner:
    """The same net, weights and order of batches each time."""
    set_seed(seed)
    return TrainLearner(build("convbn", (1, 28, 28), 10), dls, F.cross_entropy, cbs=cbs, opt_func=optim.AdamW)


def fit(dls: DataLoaders, seed: int, epochs: int, lr: float, one_cycle: bool) -> Fit:
    """Train, with `lr` as the constant or the highest rate."""
    metrics, curve, recorder = MetricsCB(accuracy=Accuracy()), Curve(), RecorderCB(lr=lambda cb: cb.pg["lr"])
    metrics.quiet = True
    cbs: list[Callback] = [metrics, curve, recorder]
    if one_cycle:
        cbs.append(BatchSchedCB(partial(OneCycleLR, max_lr=lr, total_steps=epochs * len(dls.train))))
    learner(dls, seed, cbs).fit(epochs, lr=lr)
    return Fit(recorder.recs["lr"], curve.of("loss"), curve.of("accuracy"))


def row(name: str, constant: Fit, cycle: Fit) -> list[str]:
    """What the table says of one rate."""
    ends = (constant.losses[-1], cycle.losses[-1], constant.accuracy[-1], cycle.accuracy[-1])
    return [name, f"{max(constant.rates):.2g}", *(f"{end:.3f}" for end in ends)]


def draw(finder: LRFinderCB, fits: dict[str, tuple[Fit, Fit]], out: Path) -> None:
    """The finder's curve; rate, validation loss and accuracy of all fits."""
    figure, grid = subplots(2, 2, figsize=(12, 8), layout="constrained", suptitle="Finding and using a learning rate")
    found, rates, losses, accuracy = grid.flat
    finder.plot(found)
    found.set(title="lr_find: the loss while the rate grows (dashed: its suggestion)", ylabel="loss of a batch")
    for i, (name, pair) in enumerate(fits.items()):
        for one, line, schedule in zip(pair, ("--", "-"), ("constant", "one-cycle"), strict=True):
            epochs = range(1, len(one.accuracy) + 1)
            rates.plot(range(1, len(one.rates) + 1), one.rates, line, color=f"C{i}")
            losses.plot(epochs, one.losses, line, color=f"C{i}", marker="o")
            accuracy.plot(epochs, one.accuracy, line, color=f"C{i}", marker="o", label=f"{name}, {schedule}")
    rates.set(title="Learning rate", xlabel="step", ylabel="learning rate", yscale="log")
    rates.set(ylim=(max(pair[1].rates[0] for pair in fits.values()) / 1000, None))
    losses.set(title="Loss on the validation images", xlabel="epoch", ylabel="loss", xticks=epochs)
    accuracy.set(title="Accuracy on the validation images", xlabel="epoch", ylabel="share of images right")
    accuracy.set(xticks=epochs)
    figure.legend(*accuracy.get_legend_handles_labels(), loc="outside lower center", ncols=len(fits))
    save(figure, out)


def main(argv: Sequence[str] | None = None) -> tuple[LRFinderCB, dict[str, tuple[Fit, Fit]]]:
    """The finder, all fits, the table and the figure."""
    given = options(__file__, __doc__, epochs=6, quick=2, argv=argv)
    dls = loaders(normalise=True)
    finder = learner(dls, given.seed).lr_find()
    if finder.suggestion is None:
        raise LearnerError("lr_find saw no loss that falls: try another --seed")
    fits = {}
    for name, times in RATES.items():
        constant, cycle = (fit(dls, given.seed, given.epochs, times * finder.suggestion, one) for one in (False, True))
        fits[name] = constant, cycle
    tried = f"{len(finder.lrs)} batches, rates {finder.lrs[0]:.0e} to {finder.lrs[-1]:.2g}"
    show_table(
        f"lr_find suggests {finder.suggestion:.2g} ({tried}); {given.epochs} epochs of AdamW, net with batch norm",
        ("highest rate", "", "loss: constant", "one-cycle", "accuracy: constant", "one-cycle"),
        [row(name, *pair) for name, pair in fits.items()],
    )
    draw(finder, fits, given.out)
    return finder, fits


if __name__ == "__main__":
    main()
