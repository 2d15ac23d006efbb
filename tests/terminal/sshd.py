"""Server: a real sshd on the loopback device, as the user who runs the tests, with keys of its own in one folder."""

from __future__ import annotations

import fcntl
import getpass
import os
import shlex
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.terminal.place import Place, eventually

__all__ = ["Server", "serving", "why_not"]

_SEPARATED = Path("/run/sshd")
"""Folder without which a server that runs as root does not start."""
_PASSED_ON = ("PATH", "HOME", "LANG", "COLORTERM", "OMP_NUM_THREADS", "HF_HUB_OFFLINE", "PYTHONPATH", "POISON")


def why_not() -> str:
    """Why there can be no server, in words; empty if there can."""
    missing = [name for name in ("ssh", "ssh-keygen", "sshd") if not _tool(name)]
    return f"{', '.join(missing)} not installed (openssh-server, openssh-client)" if missing else ""


def _tool(name: str) -> str:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") or ""


class Server:
    """What a client needs to know."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port

    def command(self, place: Place, argv: list[str], *options: str, poison: str = "slow:0.02") -> list[str]:
        """The command line of an ssh that runs `argv` on the other side, in the place's folder and environment."""
        env = place.env(poison)
        names = [name for name in env if name in _PASSED_ON or name.startswith("XDG_")]
        words = ["env", *(f"{name}={env[name]}" for name in names), *argv]
        known = f"UserKnownHostsFile={self.folder / 'known_hosts'}"
        return [
            *("ssh", "-F", "none", "-i", str(self.folder / "user_key"), "-p", str(self.port), *options),
            *(word for option in ("BatchMode=yes", "IdentitiesOnly=yes", known) for word in ("-o", option)),
            f"{getpass.getuser()}@127.0.0.1",
            f"cd {shlex.quote(str(place.folder))} && exec {shlex.join(words)}",
        ]


@contextmanager
def serving(folder: Path, lock: Path) -> Iterator[Server]:
    """A server that takes logins with the key in `folder`; nothing of it is left afterwards.

    One at a time with the same `lock`: all of them need the same folder of the system's.
    """
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with _serving(folder) as server:
            yield server


@contextmanager
def _serving(folder: Path) -> Iterator[Server]:
    folder.mkdir(mode=0o700)
    made = _make_separated()
    for key in ("host_key", "user_key"):
        subprocess.run([_tool("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)
    shutil.copy(folder / "user_key.pub", folder / "authorized_keys")
    server = Server(folder, _free_port())
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{server.port} {(folder / 'host_key.pub').read_text()}")
    (folder / "config").write_text(_config(server))
    with (folder / "log").open("wb") as log:
        argv = [_tool("sshd"), "-D", "-e", "-f", str(folder / "config")]
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        eventually(lambda: _listens(process, folder), "a server that listens", 10)
        yield server
    finally:
        logins = [p for p in psutil.Process(process.pid).children(recursive=True) if p.name().startswith("sshd")]
        process.terminate()
        process.wait(10)
        _, left = psutil.wait_procs(logins, 10)
        for login in left:
            login.kill()
        if made:
            _SEPARATED.rmdir()


def _config(server: Server) -> str:
    return f"""
Port {server.port}
ListenAddress 127.0.0.1
HostKey {server.folder}/host_key
AuthorizedKeysFile {server.folder}/authorized_keys
PidFile none
AllowUsers {getpass.getuser()}
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
PrintMotd no
PrintLastLog no
"""


def _make_separated() -> bool:
    if os.geteuid() != 0 or _SEPARATED.exists():
        return False
    _SEPARATED.mkdir(mode=0o755)
    return True


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def _listens(process: subprocess.Popen[bytes], folder: Path) -> bool:
    log = (folder / "log").read_text(errors="replace")
    assert process.poll() is None, f"the server has ended: {log}"
    return "Server listening on 127.0.0.1" in log
