"""The cache of decoded datasets: one safetensors file each, read in a fraction of the decoding's time.

A cached file is used only if it was made from the same source files by the same version of the decoder, and if
its checksum fits. Whatever is wrong with it, the answer is to decode again: a cache never raises.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from miniai.catalog._images import Tensors

__all__ = ["default_folder", "fetch", "identity", "keep"]

VERSION = 1
"""Raise it when the decoder gives other pixels or labels for the same files."""


def default_folder() -> Path | None:
    """`$XDG_CACHE_HOME/miniai-tui`, or `~/.cache/miniai-tui`; None if the user has no home."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(given):  # the XDG specification says to pass over a relative path
        return Path(given) / "miniai-tui"
    try:
        return Path.home() / ".cache" / "miniai-tui"
    except RuntimeError:
        return None


def identity(files: Iterable[Path]) -> str:
    """A hash that changes when a source file is another one, has another size or was written anew."""
    stats = [(str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return hashlib.sha256(json.dumps([VERSION, stats]).encode()).hexdigest()


def fetch(path: Path, key: str) -> Tensors | None:
    """The tensors in `path` if they were kept under `key` and are whole, else None."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            kept = file.metadata() or {}
            if kept.get("key") != key:
                return None
            # Copies: a file that is cut short while it is mapped would end the process with SIGBUS.
            tensors = Tensors(*(file.get_tensor(name).clone() for name in Tensors._fields))
    except (OSError, SafetensorError):
        return None
    return tensors if kept.get("checksum") == _checksum(tensors) else None


def keep(path: Path, key: str, tensors: Tensors) -> None:
    """Write `tensors` to `path` in one step; where that cannot be done, do nothing."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    part = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=".part")
        os.close(handle)
        save_file(tensors._asdict(), part, {"key": key, "checksum": _checksum(tensors)})
        os.replace(part, path)
    except (OSError, SafetensorError):
        if part is not None:
            with suppress(OSError):
                os.unlink(part)


def _checksum(tensors: Tensors) -> str:
    """CRC-32 over all four tensors, as text."""
    value = 0
    for tensor in tensors:
        value = zlib.crc32(tensor.contiguous().numpy().data.cast("B"), value)
    return f"{value:08x}"
