"""The revision of the code that a folder holds, asked of git."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass

__all__ = ["Revision", "revision"]

PATIENCE = 10.0
"""Seconds that git is given."""


@dataclass(frozen=True)
class Revision:
    """Where a folder's git repository stands; empty outside of one, or without git."""

    commit: str = ""
    branch: str = ""
    dirty: bool | None = None


def revision(folder: str, patience: float = PATIENCE) -> Revision:
    """Ask git, which takes no lock and runs nothing of the repository's for it."""
    calm = ["git", "--no-optional-locks", "-c", "core.fsmonitor=false", "-C", folder]
    command = [*calm, "status", "--porcelain=v2", "--branch", "--untracked-files=no"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, timeout=patience, check=False, env=environment
        )
    except (OSError, subprocess.SubprocessError):
        return Revision()
    if done.returncode:
        return Revision()
    return _parsed(done.stdout.decode(errors="replace"))


def _parsed(status: str) -> Revision:
    """The porcelain format, version 2: lines of the branch begin with "# "; any other line is a change."""
    lines = status.splitlines()
    heads = dict(line[2:].split(" ", 1) for line in lines if line.startswith("# ") and " " in line[2:])
    commit, branch = heads.get("branch.oid", ""), heads.get("branch.head", "")
    dirty = any(not line.startswith("# ") for line in lines)
    return Revision("" if commit == "(initial)" else commit, "" if branch == "(detached)" else branch, dirty)
