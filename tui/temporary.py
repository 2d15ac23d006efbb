"""Folders of runs that nobody keeps: removed at the end, or by the next one if this process could not."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import tempfile
from pathlib import Path

from miniai.config import RunConfig
from miniai.errors import MiniaiError
from miniai.run.directory import RunDir, create_run

__all__ = ["data_run", "new_folder", "remove_stale"]

PREFIX = "miniai-tui-data-"


def data_run(name: str, data_dir: Path | None) -> RunDir:
    """A run that describes the dataset `name`, alone in a new folder."""
    folder = None if data_dir is None else os.path.abspath(data_dir)
    return create_run(new_folder(), RunConfig(job="data", dataset=name, data_dir=folder))


def new_folder() -> Path:
    """A private folder that names our process; those that killed ones left behind are removed first."""
    remove_stale(Path(tempfile.gettempdir()))
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))


def remove_stale(root: Path) -> None:
    """Remove the folders in `root` whose processes are gone.

    Not that of a run that failed, which is the report of it; not another user's or another host's, of whose processes
    nothing is known here.
    """
    for folder in root.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError, MiniaiError):  # it went away meanwhile, or is none of ours
            if _stale(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _stale(folder: Path) -> bool:
    pid = folder.name.removeprefix(PREFIX).partition("-")[0]
    if folder.is_symlink() or folder.stat().st_uid != os.getuid() or not pid.isdecimal() or _alive(int(pid)):
        return False
    for run in folder.iterdir():
        info = RunDir(run).read_info()
        if info.host != socket.gethostname() or info.ended == "failed" or _alive(info.pid):
            return False
    return True


def _alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
