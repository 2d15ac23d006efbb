"""Datasets that Hugging Face's libraries have downloaded before, found by looking at their folders.

No request is made, and `datasets` is not imported to look: that alone would take more than a second.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from miniai.catalog import _encoded
from miniai.catalog._found import Found

__all__ = ["Folders", "folders", "homes", "look"]


class Folders(NamedTuple):
    """Where the libraries keep what they downloaded."""

    datasets: Path
    """Arrow files that `datasets` made."""
    hub: Path
    """Files as they are on the hub."""


def folders(env: Mapping[str, str] = os.environ) -> Folders:
    """The two folders, as the libraries themselves work them out."""
    base = env.get("XDG_CACHE_HOME") or "~/.cache"
    home = env.get("HF_HOME") or os.path.join(base, "huggingface")
    datasets = env.get("HF_DATASETS_CACHE") or os.path.join(home, "datasets")
    hub = env.get("HF_HUB_CACHE") or env.get("HUGGINGFACE_HUB_CACHE") or os.path.join(home, "hub")
    return Folders(*(Path(os.path.expanduser(os.path.expandvars(path))) for path in (datasets, hub)))


def homes(repo: str) -> tuple[Path, Path]:
    """The folders that hold, or will hold, all that was downloaded of one dataset."""
    where = folders()
    return where.datasets / repo.replace("/", "___"), where.hub / f"datasets--{repo.replace('/', '--')}"


def look(repos: Sequence[str], classes: Sequence[str]) -> Found | None:
    """The first of `repos` of which both splits are there, `train` and `test`."""
    try:
        for repo in repos:
            prepared, downloaded = homes(repo)
            found = _prepared(prepared, repo.rpartition("/")[2], classes) or _downloaded(downloaded, classes)
            if found:
                return found
    except OSError:  # a folder that may not be read holds nothing for us
        pass
    return None


def _prepared(home: Path, name: str, classes: Sequence[str]) -> Found | None:
    """Arrow files in `home/CONFIG/VERSION/HASH`, the newest first; `dataset_info.json` is written last."""
    infos = home.glob("*/*/*/dataset_info.json")
    for info in sorted(infos, key=lambda path: path.stat().st_mtime, reverse=True):
        train, test = (sorted(info.parent.glob(f"{name}-{split}*.arrow")) for split in ("train", "test"))
        sizes = _sizes(info)
        if train and test and sizes:
            return _found(train, test, classes, sizes)
    return None


def _sizes(info: Path) -> tuple[int, int] | None:
    """How many images the two splits should have; None if the file does not say."""
    try:
        splits = json.loads(info.read_bytes())["splits"]
        return int(splits["train"]["num_examples"]), int(splits["test"]["num_examples"])
    except (ValueError, KeyError, TypeError):
        return None


def _downloaded(home: Path, classes: Sequence[str]) -> Found | None:
    """Parquet files in `home/snapshots/COMMIT`, named `SPLIT-NUMBER-of-COUNT.parquet`."""
    snapshots = home.glob("snapshots/*")
    for snapshot in sorted(snapshots, key=lambda path: path.stat().st_mtime, reverse=True):
        train, test = (_shards(snapshot, split) for split in ("train", "test"))
        if train and test:
            return _found(train, test, classes)
    return None


def _shards(snapshot: Path, split: str) -> list[Path]:
    """All parquet files of one split in order; empty if one is missing, as after a download cut short."""
    shards = sorted(path for path in snapshot.glob(f"**/{split}-*-of-*.parquet") if path.exists())
    complete = len(shards) > 0 and shards[0].stem.endswith(f"-of-{len(shards):05d}")
    return shards if complete else []


def _found(train: list[Path], test: list[Path], classes: Sequence[str], sizes: tuple[int, int] | None = None) -> Found:
    read = partial(_encoded.read, train, test, classes, sizes=sizes)
    return Found("the Hugging Face cache", (*train, *test), read)
