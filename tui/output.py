"""The standard output of commands that print and end: whatever its encoding, and when its reader leaves."""

from __future__ import annotations

import json
import os
import sys
from typing import Any, TextIO

from miniai.errors import MiniaiError

__all__ = ["json_text", "put"]

_BROKEN_PIPE = 128 + 13
"""The exit code of a program ended by SIGPIPE."""


def put(text: str) -> int:
    """Write to the standard output, in characters that it can take; returns the exit code.

    MiniaiError if it cannot be written; a reader that has seen enough (`| head`) is no error.
    """
    out: TextIO | None = sys.stdout  # None if the program was started with it closed
    if out is None:
        raise MiniaiError("the output cannot be written: it is closed")
    encoding = getattr(out, "encoding", None) or "utf-8"
    try:
        out.write(text.encode(encoding, "replace").decode(encoding))
        out.flush()
    except BrokenPipeError:
        _forget(out)
        return _BROKEN_PIPE
    except OSError as error:
        _forget(out)
        raise MiniaiError(f"the output cannot be written: {error.strerror}") from error
    return 0


def _forget(out: TextIO) -> None:
    """Let what is still in the buffer go nowhere, or Python would complain about it at its end."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, out.fileno())
    os.close(null)


def json_text(value: Any) -> str:
    """JSON in ASCII on one line, without any character that a terminal obeys."""
    return json.dumps(value, allow_nan=False).replace("\x7f", "\\u007f")
