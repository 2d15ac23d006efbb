"""A learning rate that is too high kills a plain net, and its activations show it.

The plain convolutional net is trained twice by SGD with momentum 0.9, from the same weights on the same batches: at
the course's learning rate of 0.6, and at a tenth of it. At 0.6 the first steps throw the activations far off; then
nearly all of them are zero, no gradient passes a ReLU that is zero everywhere, and the net never recovers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch.nn.functional as F
from _common import Curve, loaders, near_zero, options, save_sheet, show_table
from matplotlib.figure import Figure
from torch import nn

from miniai import ActivationStats, MetricsCB, TrainLearner, set_seed
from miniai.metrics import Accuracy
from miniai.models import build
from miniai.optim import Momentum

RATES = (0.6, 0.06)


def fit(lr: float, epochs: int, seed: int) -> tuple[ActivationStats, Curve]:
    """Train the plain net; its four ReLUs are measured at each batch."""
    set_seed(seed)
    metrics, curve = MetricsCB(accuracy=Accuracy()), Curve()
    metrics.quiet = True
    stats = ActivationStats(lambda module: isinstance(module, nn.ReLU))
    model = build("conv", (1, 28, 28), 10)
    TrainLearner(model, loaders(), F.cross_entropy, lr, [metrics, curve, stats], Momentum).fit(epochs)
    return stats, curve


def row(lr: float, stats: ActivationStats, curve: Curve) -> list[str]:
    """What the table says of one fit."""
    last = list(stats)[-1]
    first_std, last_std = float(last.stats[1][0]), float(last.stats[1][-1])
    accuracy, dead = curve.of("accuracy")[-1], float(near_zero(last)[-1])
    return [f"{lr:g}", f"{accuracy:.3f}", f"{dead:.2f}", f"{first_std:.3g}", f"{last_std:.3g}"]


def charts(lr: float, stats: ActivationStats, curve: Curve) -> list[Figure]:
    """The three charts of the statistics."""
    left, right = stats.plot_stats(figsize=(9, 3.6))
    left.figure.suptitle(f"Learning rate {lr:g}: accuracy {curve.of('accuracy')[-1]:.0%}", weight="bold", size=15)
    left.set_ylabel("mean activation")
    right.set_ylabel("standard deviation")
    for axes in (left, right):
        axes.set_ylim(bottom=0)  # no ReLU gives less
        if axes.get_ylim()[1] > 100:  # it has exploded: straight up to 1, then logarithmic
            axes.set_yscale("symlog", linthresh=1)
    histograms = stats.color_dim(figsize=(9, 5))
    histograms[0].figure.suptitle("How large the activations are (bright: many)")
    shares = stats.dead_chart(figsize=(9, 4.4))
    shares[0].figure.suptitle("Share of activations near zero (1: the layer is dead)")
    for axes in (*histograms, *shares):
        axes.set_xlabel("step")
    for axes in histograms:
        axes.grid(False)
    for axes in shares:
        axes.set_ylim(0, 1.05)  # a line at 1 is what to look for: keep it off the frame
    return [cast("Figure", axes.figure) for axes in (left, histograms[0], shares[0])]


def main(argv: Sequence[str] | None = None) -> dict[float, tuple[ActivationStats, Curve]]:
    """Both fits, the table and the figure."""
    given = options(__file__, __doc__, epochs=5, quick=2, argv=argv)
    fits = {lr: fit(lr, given.epochs, given.seed) for lr in RATES}
    show_table(
        f"The plain convolutional net, {given.epochs} epochs of SGD with momentum 0.9 (chance: 0.100)",
        ("rate", "accuracy", "near zero, last layer", "its std, first batch", "its std, last batch"),
        [row(lr, *found) for lr, found in fits.items()],
    )
    columns = [charts(lr, *found) for lr, found in fits.items()]
    save_sheet(list(zip(*columns, strict=True)), given.out)
    return fits


if __name__ == "__main__":
    main()
