"""Fetch a dataset from the Hugging Face hub, if the hub can be reached, without ever hanging.

The download runs in a Python of its own: the Hugging Face libraries decide at their import whether they are
offline, print as they like, and retry a dead connection for minutes; a process can be watched and ended.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic

from miniai.catalog import _hf_cache, _network
from miniai.catalog._found import Found
from miniai.catalog._images import Progress, silent
from miniai.errors import DataError

__all__ = ["STALL", "download", "look"]

STALL = 30.0
"""Seconds without a new byte on disk after which a download is given up."""

_QUIET = {
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    # Plain HTTP goes through proxies, and its files grow as the bytes arrive: only so can a stall be seen.
    "HF_HUB_DISABLE_XET": "1",
}

# The empty entry of sys.path is the current folder: a file of the user's called datasets.py must not be run.
_FETCH = "import sys; sys.path[:] = filter(None, sys.path); import datasets; datasets.load_dataset(sys.argv[1])"


def look(repos: Sequence[str], classes: Sequence[str], progress: Progress = silent) -> Found:
    """Download the first of `repos` into the Hugging Face cache; raises `DataError` with the reason why not.

    `progress` is told about once a second; what it raises ends the download.
    """
    if _offline(os.environ):
        raise DataError("the Hugging Face hub was not asked: the environment says to stay offline")
    endpoint = (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")
    why = _network.refusal(f"{endpoint}/api/datasets/{repos[0]}")
    if why:
        raise DataError(f"the Hugging Face hub cannot be used ({why})")
    why = download([sys.executable, "-c", _FETCH, repos[0]], _hf_cache.homes(repos[0]), progress=progress)
    if why:
        raise DataError(f"the download from the Hugging Face hub failed ({why})")
    found = _hf_cache.look(repos[:1], classes)
    if found is None:
        raise DataError(f"the Hugging Face hub gave {repos[0]} in a form that is not known here")
    return replace(found, source="the Hugging Face hub")


def _offline(env: Mapping[str, str]) -> bool:
    """Whether the user told the Hugging Face libraries to make no request."""
    names = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE")
    return any(env.get(name, "").upper() in ("1", "ON", "YES", "TRUE") for name in names)


def download(
    command: Sequence[str], filled: Sequence[Path], stall: float = STALL, progress: Progress = silent
) -> str | None:
    """Run `command`, which writes into the folders `filled`; the reason if it fails or stalls, else None."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command, env={**os.environ, **_QUIET}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said
        )
        try:
            if not _finished(process, filled, stall, progress):
                return f"no byte came for {stall:g} s"
        finally:
            process.kill()
            process.wait()
        if process.returncode == 0:
            return None
        said.seek(0)
        lines = said.read().decode(errors="replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), f"exit code {process.returncode}")


def _finished(process: subprocess.Popen[bytes], filled: Sequence[Path], stall: float, progress: Progress) -> bool:
    """Wait for the end of `process`; False if `filled` did not change for `stall` seconds before that."""
    size, since = _held(filled), monotonic()
    while not _ends(process, min(1.0, stall)):
        progress("looking for data", 0, 0)
        now = _held(filled)
        if now != size:
            size, since = now, monotonic()
        elif monotonic() - since >= stall:
            return False
    return True


def _ends(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether `process` ends within `seconds`."""
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _held(folders: Sequence[Path]) -> int:
    """Bytes of all files under `folders`."""
    return sum(_size(Path(top, name)) for root in folders for top, _, names in os.walk(root) for name in names)


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:  # a temporary file that is gone by now
        return 0
