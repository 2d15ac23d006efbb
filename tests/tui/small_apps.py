"""Facts of a search for a learning rate and of a dataset, and the apps that show them."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from miniai.config import RunConfig, write_config
from miniai.run import events as ev
from miniai.run.events import number
from tests.tui.driving import Driver
from tests.tui.fake_session import FakeSession
from tests.tui.recorded import CLASSES, Recording
from tui.data_app import DataApp
from tui.lr_find_app import LRFindApp
from tui.small_app import SmallApp

__all__ = ["dataset", "dataset_session", "driving_app", "losses", "rates", "search", "search_session"]


def rates(n: int = 48) -> list[float]:
    """From 1e-5 on."""
    return [1e-5 * 1.3**i for i in range(n)]


def losses(n: int = 48) -> list[float]:
    """Flat, then a fall, then a divergence."""
    return [
        2.3 - 1.6 / (1 + math.exp(-2.2 * (math.log10(r) + 2))) + max(0.0, math.log10(r) + 0.5) * 8 for r in rates(n)
    ]


def search(upto: int = 48, rate: float | None = 0.02, end: bool = True, bad: float = math.nan) -> Iterator[ev.AnyFact]:
    """A search of `upto` batches; the last loss is `bad`."""
    yield from Recording(layers=[]).start()
    yield ev.EpochStarted(at=3.0, epoch=0, phase="train", batches=118, step=0)
    values = [*losses(upto)[:-1], bad][:upto]
    for first in range(0, upto, 10):
        part = slice(first, min(first + 10, upto))
        yield ev.RatesTried(
            at=3.0 + first / 100, first=first, rates=rates(upto)[part], losses=[number(v) for v in values[part]]
        )
    if end:
        yield ev.RateSuggested(at=4.0, rate=rate, ended="the loss diverged", why="the loss falls fastest there")
        yield ev.FitEnded(at=4.1, reason="done", step=upto)


def search_session(folder: Path, facts: Iterator[ev.AnyFact] | None = None) -> FakeSession:
    """A search that is over, unless other facts are given."""
    config = RunConfig(job="lr-find", model="conv", bs=64, given=("dataset", "model", "bs"))
    write_config(folder / "config.json", config)
    return FakeSession(folder, search() if facts is None else facts)


def dataset(classes: int = 10, unlabelled: int = 0) -> ev.DatasetDescribed:
    """Facts of a dataset."""
    pixels = {"mean": [0.286], "deviation": [0.353], "lowest": [0.0], "highest": [1.0]}
    counts = [600 + 10 * i for i in range(classes)]
    splits = [
        {"name": name, "items": sum(n) + unlabelled, "classes": n, "unlabelled": unlabelled, "pixels": pixels}
        for name, n in (("train", counts), ("valid", [n // 6 for n in counts]))
    ]
    about = {
        "name": "fashion", "description": "Grey images of clothing.", "source": "a drawer", "sample": True,
        "note": "the hub sleeps", "features": {"image": "28x28 pixels, grey", "label": f"one of {classes} classes"},
        "splits": splits, "classes": (CLASSES * (classes // 10 + 1))[:classes],
    }  # fmt: skip
    return ev.DatasetDescribed(at=3.0, about=about, files={s: f"preview/{s}.safetensors" for s in ("train", "valid")})


def dataset_session(folder: Path, classes: int = 10, each: int = 7, loaded: bool = True) -> FakeSession:
    """A dataset with pictures, loaded or about to be."""
    (folder / "preview").mkdir(exist_ok=True)
    for split, shade in (("train", 20), ("valid", 21)):
        labels = np.tile(np.arange(classes), each)
        pixels = np.broadcast_to((labels * shade % 256).astype(np.uint8)[:, None, None, None], (len(labels), 1, 28, 28))
        file = folder / "preview" / f"{split}.safetensors"
        save_file({"pixels": np.ascontiguousarray(pixels), "labels": labels}, file)
    facts = [*Recording().start()][:4]
    if loaded:
        facts += [dataset(classes), ev.FitEnded(at=3.1, reason="done", step=0)]
    return FakeSession(folder, facts)


@asynccontextmanager
async def driving_app(
    kind: type[LRFindApp] | type[DataApp], session: FakeSession, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[Driver]:
    """The app on a session's facts, everything drawn."""
    clock = [100.0]
    app: SmallApp = kind(session, clock=lambda: clock[0])
    async with app.run_test(size=size) as pilot:
        driver = Driver(app, pilot, session, clock)
        await driver.settle()
        await driver.settle()
        yield driver
