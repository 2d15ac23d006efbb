"""What the end of the login would do to a run, on systems where systemd-logind manages logins.

Two things can end a process that has let go of its terminal. Whatever lies in the login's own scope
(`session-N.scope`) is killed at its end where logind.conf(5) says `KillUserProcesses=yes`. Whatever lies under the
user's service manager (`user@UID.service`: most terminals of a desktop) ends with it, after the last login, unless
the user lingers. The control group of a process says which of the two it is; the environment only says where it
came from.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

__all__ = ["ask_logind", "at_logout"]

_PATIENCE = 1.0
"""Seconds that logind gets to answer."""
_KEYS = ("KillUserProcesses", "KillOnlyUsers", "KillExcludeUsers")
_FOLDERS = ("etc", "run", "usr/local/lib", "usr/lib", "lib")
"""Where systemd's configuration lies, what counts first in front."""


def at_logout(
    root: Path = Path("/"), user: str | None = None, ask: Callable[[], Mapping[str, str]] | None = None
) -> str:
    """One line that says how this process would end at logout and what to do about it; empty if it would not.

    `root` is where /proc, /etc, /run and /var lie, `ask` gives logind's own settings (`ask_logind`).
    """
    group = _control_group(root)
    if "/user@" in group:
        name = user or _user_name()
        if _lingers(root, name):
            return ""
        return "this run ends with your last login: 'loginctl enable-linger' lets it go on"
    if not re.search(r"/session-[^/]+\.scope(/|$)", group):
        return ""
    name = user or _user_name()
    said = {**_configured(root), **(ask or ask_logind)()}
    kills = _kills(said, name)
    if kills is False:
        return ""
    ends = "ends" if kills else "may end"
    return f"this run {ends} when you log out (systemd's KillUserProcesses): {_way_out(root, name)}"


def ask_logind() -> dict[str, str]:
    """What logind says of its settings; nothing where it does not answer within a second."""
    try:
        said = subprocess.run(
            ["loginctl", "show-user", *(f"--property={key}" for key in _KEYS)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_PATIENCE, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError, ValueError):
        return {}
    return _settings(said.stdout)


def _control_group(root: Path) -> str:
    """The place of this process in systemd's tree, whichever version of control groups the system has."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except (OSError, ValueError):
        return ""
    groups = [line.split(":", 2)[2] for line in lines if line.startswith("0::") or ":name=systemd:" in line]
    return max(groups, key=len, default="")


def _configured(root: Path) -> dict[str, str]:
    """What the configuration files set: logind.conf, then its drop-ins by name."""
    folders = [root / folder / "systemd" for folder in _FOLDERS]
    main = next((f / "logind.conf" for f in folders if (f / "logind.conf").exists()), None)
    parts: dict[str, Path] = {}
    for folder in folders:
        for file in (folder / "logind.conf.d").glob("*.conf"):
            parts.setdefault(file.name, file)
    settings: dict[str, str] = {}
    for file in [*([main] if main else []), *(parts[name] for name in sorted(parts))]:
        try:
            settings |= _settings(file.read_text())
        except (OSError, ValueError):  # what we may not read does not count
            continue
    return settings


def _settings(text: str) -> dict[str, str]:
    found = re.findall(rf"^\s*({'|'.join(_KEYS)})\s*=[ \t]*(.*?)[ \t]*$", text, re.MULTILINE)
    return dict(found)


def _kills(said: Mapping[str, str], user: str) -> bool | None:
    """Whether logind kills what this user leaves behind; None if nobody says."""
    spared = said.get("KillExcludeUsers", "").split() or ["root"]
    if user in spared:
        return False
    if only := said.get("KillOnlyUsers", "").split():
        return user in only
    word = said.get("KillUserProcesses", "").lower()
    return None if not word else word in ("1", "yes", "y", "true", "t", "on")


def _way_out(root: Path, user: str) -> str:
    """What the user can do."""
    if not (root / f"run/user/{os.getuid()}/systemd/private").exists() or shutil.which("systemd-run") is None:
        return "ask who looks after this machine"
    first = "" if _lingers(root, user) else "'loginctl enable-linger' once, then "
    return f"{first}start it with 'systemd-run --user --scope miniai-tui fit ...'"


def _lingers(root: Path, user: str) -> bool:
    return (root / "var/lib/systemd/linger" / user).exists()


def _user_name() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a user that no list of users knows, as in a container
        return str(os.getuid())
