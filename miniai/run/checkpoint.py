"""A checkpoint is a folder: weights and the optimizer's tensors as safetensors, all else as JSON; nothing is unpickled.

`checkpoints/step-N` and `checkpoints/best-N` (N: trained batches; `step-N-2` is a second one at the same step) hold
`model.safetensors`, `optimizer.safetensors` and `state.json`. A folder of such a name is always whole: it is written
under another name, brought to the disk, and renamed. No torch is loaded before tensors are written or read.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import sys
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from miniai.errors import RunError
from miniai.run.disk import is_utf8, plain_file, sync_file, sync_folder, synced
from miniai.run.events import Phase

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "MODEL", "OPTIMIZER", "SCHEMA", "CheckpointState", "NewerFormatError", "alike", "clean_up", "free_name", "is_newer",
    "names", "read_state", "read_tensors", "remove", "set_aside", "write",
]  # fmt: skip

SCHEMA = 1
"""Version of the format; a reader refuses a higher one and passes over fields that it does not know."""
STATE, MODEL, OPTIMIZER = "state.json", "model.safetensors", "optimizer.safetensors"

_NAME = re.compile(r"(step|best)-(\d{1,18})(?:-(\d{1,9}))?", re.ASCII)
_SEAL = b',"crc32":'
_FORMAT = re.compile(rb'\s*\{\s*"schema"\s*:\s*(\d{1,9})\b')
_LONGEST = 1 << 30
"""Bytes of `state.json` at most."""
_DTYPES = {
    "torch.float64": "F64", "torch.float32": "F32", "torch.float16": "F16", "torch.bfloat16": "BF16",
    "torch.int64": "I64", "torch.int32": "I32", "torch.int16": "I16", "torch.int8": "I8", "torch.uint8": "U8",
    "torch.bool": "BOOL",
}  # fmt: skip


class NewerFormatError(RunError):
    """A checkpoint that only a newer version can read; `whole` unless its check sum says that it is damaged."""

    def __init__(self, text: str, whole: bool) -> None:
        super().__init__(text)
        self.whole = whole


class CheckpointState(msgspec.Struct, frozen=True, kw_only=True):
    """What `state.json` holds. Values of type Any are written by `miniai.plain.to_plain`."""

    schema: int = SCHEMA
    step: int
    """Trained batches."""
    epoch: int
    phase: Phase
    batch: int
    """Batches of that half epoch that are behind: trained, validated or skipped."""
    over: bool = False
    """That half epoch is over."""
    fetched: bool = False
    """The loader has made batch number `batch` already."""
    version: str = ""
    """The program's version that wrote it; empty if not known."""
    n_epochs: int
    """Epochs of the fit in all, as they were when it was saved."""
    batches: tuple[int, int] = (0, 0)
    """Batches of a training and of a validation half; 0 where the loader does not know."""
    wall: float
    """Seconds since 1970."""
    at: float | None = None
    """Seconds of the run (`Fact.at`): facts with a greater `at` were told afterwards. None: not noted."""
    sizes: dict[str, int]
    """Bytes of each other file of the checkpoint."""
    sums: dict[str, int] = {}
    """CRC-32 of each other file. The file itself has one of what comes before it, as its last field, `crc32`."""
    optimizer: Any = None
    """Structure of the optimizer's state; its tensors are named by their place."""
    model: dict[str, Any] = {}
    """State of the model that is no tensor."""
    callbacks: dict[str, Any] = {}
    """State of each callback, by the name of its class; of a second of that class `NAME.2`."""
    random: dict[str, Any] = {}
    """Where the generators stood: `here`, and at the `start` of the half epoch."""


def names(folder: Path) -> list[str]:
    """The checkpoints in `folder`, the oldest first."""
    try:
        entries = [entry.name for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    return sorted((name for name in entries if _NAME.fullmatch(name)), key=_age)


def _age(name: str) -> tuple[int, int, str]:
    match = _NAME.fullmatch(name)
    assert match is not None
    return int(match[2]), int(match[3] or 1), match[1]


def free_name(folder: Path, kind: str, step: int) -> str:
    """A name for a new checkpoint, "step" or "best", that sorts behind those of the same step."""
    taken = [_age(name)[1] for name in names(folder) if name.startswith(kind) and _age(name)[0] == step]
    return f"{kind}-{step}" if not taken else f"{kind}-{step}-{max(taken) + 1}"


def write(
    folder: Path, name: str, model: Mapping[str, Tensor], optimizer: Mapping[str, Tensor], state: CheckpointState
) -> int:
    """Write `folder/name`, whole or not at all; returns its size in bytes. OSError if the disk refuses."""
    with _whole(folder, name) as part:
        files = {MODEL: _write_tensors(part / MODEL, model), OPTIMIZER: _write_tensors(part / OPTIMIZER, optimizer)}
        sizes = {file: size for file, (size, _) in files.items()}
        sums = {file: crc for file, (_, crc) in files.items()}
        data = _sealed(msgspec.json.encode(msgspec.structs.replace(state, sizes=sizes, sums=sums)))
        with synced(part / STATE) as file:
            file.write(data)
    return sum(sizes.values()) + len(data)


def alike(folder: Path, name: str, other: str) -> None:
    """Have the checkpoint `other` under `name`, too; the files are shared where the file system can do that."""
    with _whole(folder, name) as part:
        for file in (STATE, MODEL, OPTIMIZER):
            try:
                os.link(folder / other / file, part / file)
            except OSError:
                shutil.copyfile(folder / other / file, part / file)
                sync_file(part / file)


def remove(folder: Path, name: str) -> None:
    """Take a checkpoint away; no half of it is ever seen under its name."""
    gone = folder / f".gone-{name}"
    os.rename(folder / name, gone)
    shutil.rmtree(gone, ignore_errors=True)


def set_aside(folder: Path, name: str) -> None:
    """Give a checkpoint that cannot be read a name under which nobody looks for one."""
    os.rename(folder / name, folder / f"broken-{name}-{os.urandom(2).hex()}")


def clean_up(folder: Path) -> None:
    """Remove what a killed process has left half written or half removed."""
    for part in [*folder.glob(".part-*"), *folder.glob(".gone-*")]:
        shutil.rmtree(part, ignore_errors=True)


@contextmanager
def _whole(folder: Path, name: str) -> Iterator[Path]:
    """A folder that gets its name once all in it is on the disk."""
    if not folder.is_dir():
        folder.mkdir(mode=0o700)
        sync_folder(folder.parent)
    part = folder / f".part-{name}"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o700)
    try:
        yield part
        sync_folder(part)
        os.rename(part, folder / name)
        sync_folder(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _sealed(state: bytes) -> bytes:
    """A JSON object with the check sum of all that comes before it."""
    return state[:-1] + _SEAL + b"%d}" % zlib.crc32(state[:-1])


def _is_damaged(state: bytes) -> bool:
    """Whether it has a check sum, and that is of something else."""
    told, seal, crc = state.rpartition(_SEAL)
    return bool(seal) and crc != b"%d}" % zlib.crc32(told)


def _write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> tuple[int, int]:
    """Write a file in the format of safetensors, one tensor after the other: at no time two copies in memory.

    Returns its size in bytes and its CRC-32.
    """
    byte = sys.modules["torch"].uint8  # whoever has a tensor has loaded it
    header: dict[str, Any] = {}
    end = 0
    for name, tensor in tensors.items():
        if str(tensor.dtype) not in _DTYPES or str(tensor.layout) != "torch.strided":
            raise RunError(f"the tensor {name} ({tensor.dtype}, {tensor.layout}) cannot be saved in a checkpoint")
        begin, end = end, end + tensor.numel() * tensor.element_size()
        header[name] = {"dtype": _DTYPES[str(tensor.dtype)], "shape": list(tensor.shape), "data_offsets": [begin, end]}
    head = json.dumps(header, ensure_ascii=False).encode()
    head += b" " * (-len(head) % 8)
    head = len(head).to_bytes(8, "little") + head
    crc = zlib.crc32(head)
    with synced(path) as file:
        file.write(head)
        for tensor in tensors.values():
            flat = tensor.detach().cpu().contiguous().reshape(-1)
            if flat.numel():
                data = flat.view(byte).numpy().data
                file.write(data)
                crc = zlib.crc32(data, crc)
    return len(head) + end, crc


def read_state(path: Path) -> CheckpointState:
    """`state.json` of the checkpoint at `path`; RunError if that is no whole checkpoint that this version can read.

    All its files are read once, for their check sums.
    """
    try:
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            raise RunError(f"{path} is no checkpoint: it is no folder")
        data = plain_file(path / STATE, _LONGEST).read_bytes()
        damaged = _is_damaged(data)
        _refuse_newer(path, data, damaged)
        if damaged:
            raise RunError(f"{path} is broken: {STATE} has not the check sum that was written with it")
        state = msgspec.json.decode(data, type=CheckpointState)
        if min(state.step, state.epoch, state.batch, state.n_epochs) < 0:
            raise RunError(f"{path} is broken: {STATE} has a negative count")
        for name in (MODEL, OPTIMIZER):
            if state.sizes.get(name) != plain_file(path / name).stat().st_size:
                raise RunError(f"{path} is broken: {name} has not the size that {STATE} tells")
            if name in state.sums and state.sums[name] != _crc32(path / name):
                raise RunError(f"{path} is broken: {name} has not the check sum that {STATE} tells")
    except OSError as error:
        raise RunError(f"{path} is broken: {error.strerror} ({Path(error.filename or STATE).name})") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RunError(f"{path} is broken: {STATE} is no state of a run ({error})") from error
    return state


def _crc32(path: Path) -> int:
    crc = 0
    with path.open("rb") as file:
        while data := file.read(1 << 20):
            crc = zlib.crc32(data, crc)
    return crc


class _Versioned(msgspec.Struct):
    schema: int
    version: str = ""


def _refuse_newer(path: Path, state: bytes, damaged: bool) -> None:
    """NewerFormatError for a state of a later format, whatever its check sum is made of."""
    try:
        held = msgspec.json.decode(state, type=_Versioned)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        if damaged:
            return
        raise
    if held.schema <= SCHEMA:
        return
    by = f"version {held.version[:40]!a} of miniai-tui" if held.version else "a newer version"
    what = f"{path} was written by {by} (format {held.schema}; this one reads up to {SCHEMA})"
    if damaged:
        raise NewerFormatError(f"{what}, or it is broken: it was left as it is", whole=False)
    raise NewerFormatError(f"{what}: update", whole=True)


def is_newer(path: Path) -> bool:
    """Whether a checkpoint is of a format that this version does not know, by the first bytes of its state."""
    try:
        with (path / STATE).open("rb") as file:
            found = _FORMAT.match(file.read(64))
    except OSError:
        return False
    return found is not None and int(found[1]) > SCHEMA


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file, on the CPU; RunError if it is none."""
    from safetensors import SafetensorError
    from safetensors.torch import load, load_file

    try:
        file = plain_file(path)
        tensors = load_file(file) if is_utf8(file) else load(file.read_bytes())  # it opens no files of such names
        return {name: tensor.clone() for name, tensor in tensors.items()}
    except (SafetensorError, OSError, ArithmeticError, KeyError, TypeError, ValueError, RuntimeError) as error:
        text = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise RunError(f"{path} is broken: {text}") from error
