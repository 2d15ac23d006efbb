"""Monitoring changes no bit of a run: the same weights with and without it, on the screen or not, whichever worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from miniai import models, optimizers
from miniai.activations import set_seed
from miniai.catalog import load
from miniai.datasets import DataLoaders
from miniai.learner import Learner, TrainCB
from miniai.loader import MemoryLoader
from tests.terminal.place import BS, Place

SEED = 42
"""The seed of a run that names none."""
Weights = dict[str, Tensor]


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Sums come out the same only where they are cut in the same pieces."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def trained_without_a_monitor(place: Place, model: str, seed: int = SEED) -> Weights:
    """What `place.fit` trains, by a bare Learner with nothing but TrainCB."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(place.folder / "cache"))
        data = load("fashion", data_dir=place.data)
    set_seed(seed)
    net = models.build(model, data.shape, len(data.classes))
    train = MemoryLoader(data.train_x, data.train_y, BS, shuffle=True)
    dls = DataLoaders(train, MemoryLoader(data.valid_x, data.valid_y, 2 * BS))
    opt = optimizers.get(models.defaults(model).opt)
    Learner(net, dls, loss_func=F.cross_entropy, lr=0.01, cbs=[TrainCB()], opt_func=opt).fit(1)
    return net.state_dict()


def saved(place: Place) -> Weights:
    """The weights that the run of `place` ended with."""
    weights: Weights = torch.load(place.folder / "weights", weights_only=True)
    return weights


def differing(a: Weights, b: Weights) -> list[str]:
    """Names of the tensors that differ in any bit."""
    assert a.keys() == b.keys()
    return [n for n in a if a[n].numpy().tobytes() != b[n].numpy().tobytes()]


@pytest.mark.usefixtures("one_thread", "forked")
@pytest.mark.parametrize(
    "options",
    [("--model", "mlp"), ("--model", "mlp", "--no-stats"), ("--model", "conv", "--stats-every", "1")],
    ids=["default", "no-stats", "conv-all-stats"],
)
def test_headless(place: Place, options: tuple[str, ...]) -> None:
    process = place.process(place.fit("--headless", *options, epochs=1), "weights")
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert differing(saved(place), trained_without_a_monitor(place, options[1])) == []


@pytest.mark.usefixtures("one_thread", "forked")
@pytest.mark.parametrize("worker", ["process", "thread"])
def test_on_the_screen(place: Place, worker: str) -> None:
    """A visit that pauses, does single batches and looks around, but skips nothing."""
    term = place.term(place.fit("--worker", worker, "--stats-every", "1", epochs=1), "slow:0.02,weights")
    term.wait("● training")
    term.send(" ")
    term.wait("‖ paused at step [0-9]+")
    for n in (2, 3):
        term.send(".")
        term.until(lambda n=n: len(place.facts("Paused")) == n, "a single batch")  # type: ignore[misc]
    term.send("mnyt ")
    term.wait("✓ done")
    term.send("q")
    assert term.exit() == 0
    assert term.sane
    without = trained_without_a_monitor(place, "mlp")
    assert differing(saved(place), without) == []
    assert differing(trained_without_a_monitor(place, "mlp", SEED + 1), without) != [], "the comparison sees nothing"
