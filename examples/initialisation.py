"""What initialisation and normalisation change: which nets train at the course's learning rate of 0.6.

Six versions of the same convolutional net are trained by SGD with momentum 0.9, at 0.6 and at a tenth of it. A good
initialisation keeps the size of the activations from layer to layer, at the first batch, and at 0.06 that is enough to
learn faster. But large steps undo it: at 0.6 only the initialised net with batch norm, which corrects the size at every
batch, trains. (So it was with eight seeds: of the 40 fits without batch norm 38 ended at chance; the other two, with
normalised images alone, had 44 and 57 % of the images right, where batch norm had 76 to 83 %.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch.nn.functional as F
from _common import Curve, loaders, near_zero, options, save, show_table
from torch import Tensor, nn

from miniai import ActivationStats, DataLoaders, MetricsCB, TrainLearner, set_seed
from miniai.init import GeneralRelu, get_model, init_weights, lsuv_init
from miniai.metrics import Accuracy
from miniai.optim import Momentum
from miniai.plotting import subplots

RATES = (0.6, 0.06)
HEADER = ("std, first layer", "last layer", "near zero at 0.6", "accuracy at 0.6", "at 0.06")
LEAK = 0.1
general_relu = partial(GeneralRelu, leak=LEAK, sub=0.4)


def kaiming(_xb: Tensor) -> nn.Module:
    """Weights of the right size for a ReLU."""
    return get_model().apply(init_weights)


def general(_xb: Tensor) -> nn.Module:
    """An activation with a mean near 0, and weights for its leak."""
    return get_model(general_relu).apply(partial(init_weights, leaky=LEAK))


def lsuv(xb: Tensor) -> nn.Module:
    """The same, then each layer is scaled by what it makes of a real batch."""
    model = general(xb)
    for layer in list(model.children())[:4]:
        convolution, activation = layer.children()
        lsuv_init(model, activation, convolution, xb)
    return model


def batch_norm(_xb: Tensor) -> nn.Module:
    """Batch norm before each activation instead."""
    return get_model(general_relu, norm=nn.BatchNorm2d).apply(partial(init_weights, leaky=LEAK))


class Version(NamedTuple):
    """One row of the table."""

    name: str
    make: Callable[[Tensor], nn.Module]
    """Called with one batch of images."""
    normalise: bool = True
    """Whether the images have mean 0 and standard deviation 1."""


VERSIONS = (
    Version("plain", lambda _xb: get_model(), normalise=False),
    Version("+ normalised images", lambda _xb: get_model()),
    Version("+ Kaiming weights", kaiming),
    Version("+ GeneralRelu", general),
    Version("+ LSUV", lsuv),
    Version("+ BatchNorm, no LSUV", batch_norm),
)


class Fit(NamedTuple):
    """What is left of a training."""

    stds: list[float]
    """Standard deviation of each activation layer at the first batch, first layer first."""
    dead: Tensor
    """Share near zero in the last of them, for each batch; NaN: some were not finite."""
    accuracy: list[float]
    """On the validation images after each epoch."""


def fit(version: Version, lr: float, dls: DataLoaders, epochs: int, seed: int) -> Fit:
    """Train one version at one rate."""
    set_seed(seed)
    xb, _ = next(iter(dls.train))
    metrics, curve = MetricsCB(accuracy=Accuracy()), Curve()
    metrics.quiet = True
    stats = ActivationStats(lambda module: isinstance(module, (nn.ReLU, GeneralRelu)))
    learn = TrainLearner(version.make(xb), dls, F.cross_entropy, lr, [metrics, curve, stats], Momentum)
    learn.fit(epochs)
    hooks = list(stats)
    return Fit([float(hook.stats[1][0]) for hook in hooks], near_zero(hooks[-1]), curve.of("accuracy"))


def row(name: str, fast: Fit, slow: Fit) -> list[str]:
    """What the table says of one version, at 0.6 and at 0.06."""
    sizes = [f"{fast.stds[0]:.3f}", f"{fast.stds[-1]:.3f}"]
    dead = f"{fast.dead[-1]:.2f}" if fast.dead[-1].isfinite() else "not finite"
    return [name, *sizes, dead, f"{fast.accuracy[-1]:.3f}", f"{slow.accuracy[-1]:.3f}"]


def draw(fits: dict[str, tuple[Fit, Fit]], out: Path) -> None:
    """Four charts, a line for each version."""
    figure, grid = subplots(2, 2, figsize=(12, 8), layout="constrained", suptitle="What initialisation changes")
    sizes, dead, fast_axes, slow_axes = grid.flat
    for name, (fast, slow) in fits.items():
        layers, epochs = range(1, len(fast.stds) + 1), range(1, len(fast.accuracy) + 1)
        (line,) = sizes.plot(layers, fast.stds, marker="o", label=name)
        style: dict[str, Any] = {"color": line.get_color(), "alpha": 0.85}
        dead.plot(range(1, len(fast.dead) + 1), fast.dead, **style)
        end = int(fast.dead.isfinite().sum())
        if 0 < end < len(fast.dead):
            dead.plot(end, fast.dead[end - 1], marker="X", markersize=10, clip_on=False, zorder=5, **style)
        fast_axes.plot(epochs, fast.accuracy, marker="o", **style)
        slow_axes.plot(epochs, slow.accuracy, marker="o", **style)
    sizes.axhline(1, color="black", linestyle=":", alpha=0.5)
    sizes.set(title="Size of the activations at the first batch", xlabel="layer", ylabel="standard deviation")
    sizes.set(xticks=layers, ylim=(0, None))
    dead.set(title=f"Rate {RATES[0]:g}: near zero in the last layer (X: no longer finite)")
    dead.set(xlabel="step", ylabel="share of activations", ylim=(0, 1.05))
    for axes, rate in ((fast_axes, RATES[0]), (slow_axes, RATES[1])):
        axes.axhline(0.1, color="black", linestyle=":", alpha=0.5)
        axes.set(title=f"Rate {rate:g}: accuracy (dotted: chance)", xlabel="epoch", ylabel="share of images right")
        axes.set(xticks=epochs, ylim=(0, 1))
    figure.legend(*sizes.get_legend_handles_labels(), loc="outside lower center", ncols=len(fits))
    save(figure, out)


def main(argv: Sequence[str] | None = None) -> dict[str, tuple[Fit, Fit]]:
    """All fits, the table and the figure."""
    given = options(__file__, __doc__, epochs=4, quick=1, argv=argv)
    raw, normal = loaders(), loaders(normalise=True)
    fits = {}
    for version in VERSIONS:
        dls = normal if version.normalise else raw
        fast, slow = (fit(version, lr, dls, given.epochs, given.seed) for lr in RATES)
        fits[version.name] = fast, slow
    show_table(
        f"Six versions of one net, {given.epochs} epochs of SGD with momentum 0.9 (chance: 0.100)",
        ("version", *HEADER),
        [row(name, *found) for name, found in fits.items()],
    )
    draw(fits, given.out)
    return fits


if __name__ == "__main__":
    main()
