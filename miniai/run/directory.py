"""A run's directory: its names, its creation, and `run.json`, which says who trains there and how it ended."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import time
from pathlib import Path

import msgspec

from miniai.config import RunConfig, write_config
from miniai.errors import RunError
from miniai.run.replacing import replace_file

__all__ = ["RunDir", "RunInfo", "boot_id", "create_run", "find_run"]

_ID = re.compile(r"\d{8}-\d{6}-.+-[0-9a-f]{4}")


class RunInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What `run.json` holds."""

    schema: int = 1
    id: str
    created: float
    """Wall-clock seconds since 1970."""
    host: str
    boot: str
    """The host's boot id; empty where the system has none."""
    pid: int = 0
    """The trainer's process id; 0 before it started."""
    pid_started: float = 0.0
    """When that process started, wall-clock seconds: tells it from a later process of the same id."""
    socket: str = ""
    """Path of the control socket."""
    folder: int = 0
    """Inode of the run's folder, which a renamed one keeps and a copy has not; 0: not known."""
    ended: str = ""
    """How the run ended: "done", "stopped", "failed"; empty while it runs, and after a kill."""
    resuming: bool = False
    """A trainer prepares to go on with it, and does not train yet."""


class RunDir:
    """Paths of one run, and its `run.json`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.id = path.name
        self.info_file = path / "run.json"
        self.config_file = path / "config.json"
        self.journal = path / "events.jsonl"
        self.log = path / "log.txt"
        self.preview = path / "preview"
        self.checkpoints = path / "checkpoints"

    @property
    def begun(self) -> bool:
        """Whether a trainer has written here already: the next one resumes the run."""
        with contextlib.suppress(OSError):
            if self.journal.stat().st_size > 0:
                return True
        return self.checkpoints.is_dir()

    @property
    def inode(self) -> int:
        """Of the folder; 0 if it cannot be looked at."""
        with contextlib.suppress(OSError):
            return self.path.stat().st_ino
        return 0

    def is_copy(self, info: RunInfo) -> bool:
        """Whether its `run.json` was written in another folder: what trains there does not train here."""
        return info.folder not in (0, self.inode)

    @property
    def original_id(self) -> str:
        """The id that it was made with, which a renamed folder's trainer still goes by."""
        with contextlib.suppress(RunError):
            return self.read_info().id
        return self.id.encode(errors="replace").decode()

    def read_info(self) -> RunInfo:
        """The content of `run.json`; RunError if this is no run directory."""
        try:
            return msgspec.json.decode(self.info_file.read_bytes(), type=RunInfo)
        except OSError as error:
            raise RunError(f"{self.path} is not a run directory: {error.strerror} ({self.info_file.name})") from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise RunError(f"{self.info_file} cannot be read: {error}") from error

    def write_info(self, info: RunInfo) -> None:
        """Replace `run.json` atomically."""
        try:
            data = msgspec.json.encode(info)
        except UnicodeEncodeError:  # a folder whose name is no UTF-8: who looks for the socket looks there anyway
            data = msgspec.json.encode(msgspec.structs.replace(info, socket=""))
        replace_file(self.info_file, msgspec.json.format(data, indent=2) + b"\n")

    def update_info(self, **changes: object) -> None:
        """Change fields of `run.json`."""
        self.write_info(msgspec.structs.replace(self.read_info(), **changes))

    def log_tail(self, lines: int = 20) -> list[str]:
        """The last lines of the log; empty if there is none."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - 200 * lines))
                return file.read().decode(errors="replace").splitlines()[-lines:]
        except OSError:
            return []


def boot_id() -> str:
    """Identity of the running system since its boot; empty where it has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def create_run(root: Path, config: RunConfig) -> RunDir:
    """Make `root/<id>`, private to its user (0700), with `config.json` and `run.json`; RunError if that fails."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    run_id = f"{stamp}-{config.dataset}-{config.model}-{os.urandom(2).hex()}"
    try:
        run = RunDir(root.absolute() / run_id)
        root.mkdir(parents=True, exist_ok=True)
        run.path.mkdir(mode=0o700)
        run.preview.mkdir(mode=0o700)
        write_config(run.config_file, config)
        made = RunInfo(id=run_id, created=time.time(), host=socket.gethostname(), boot=boot_id(), folder=run.inode)
        run.write_info(made)
    except OSError as error:
        raise RunError(
            f"cannot make a run directory in {root}: {error.strerror}; name another folder with --run-dir"
        ) from error
    return run


def find_run(name: str, root: Path) -> RunDir:
    """The run that `name` means: a path, an id in `root`, the unique beginning or end of one, or "last"."""
    if not name:  # an unset variable of a script: it begins every id
        raise RunError("no run is named: name a run's folder, its id or 'last'")
    for path in (Path(name), root / name):
        try:
            if (path / "run.json").is_file():
                return RunDir(path.absolute())
        except OSError as error:  # another user's, or a name that no file can have
            raise RunError(f"the run {name[:200]!r} cannot be looked at: {error.strerror}") from error
    ids = sorted(p.name for p in root.glob("*") if _ID.fullmatch(p.name) and os.path.isfile(p / "run.json"))
    found = ids[-1:] if name == "last" else [i for i in ids if i.startswith(name) or i.endswith(name)]
    if len(found) == 1:
        return RunDir((root / found[0]).absolute())
    if found:
        raise RunError(f"{name!r} means {len(found)} runs in {root}: write more of the id, {', '.join(found[:3])} ...")
    newest = f"the newest there is {ids[-1]}" if ids else "there are none"
    raise RunError(f"no run {name!r} in {root}: {newest}; name a run's folder, its id or 'last'")
