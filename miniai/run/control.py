"""RunControl: the mailbox between those who ask (socket, screen, signal handlers) and the training loop."""

from __future__ import annotations

import uuid
from queue import Empty, SimpleQueue

from miniai.run.requests import AnyRequest, Save, Stop

__all__ = ["RunControl", "new_id"]


def new_id() -> str:
    """A fresh request id."""
    return uuid.uuid4().hex[:12]


class RunControl:
    """Requests wait here until the loop looks.

    `submit` may be called from any thread and from a signal handler: `SimpleQueue.put` is reentrant.
    """

    def __init__(self) -> None:
        self._queue: SimpleQueue[AnyRequest] = SimpleQueue()
        self.stop_asked = False
        """True from the moment a stop was submitted: the preparation before the first batch looks at it."""
        self.over = False
        """True once training has ended: a second interrupt must not tear what is written last."""
        self.signal = 0
        """Number of the signal that asked for the stop, if one did."""

    def submit(self, request: AnyRequest) -> None:
        """Hand in a request; never blocks."""
        if isinstance(request, Stop) and request.when == "batch":
            self.stop_asked = True
        self._queue.put(request)

    def take(self) -> AnyRequest | None:
        """The oldest request that waits, or None."""
        try:
            return self._queue.get_nowait()
        except Empty:
            return None

    def wait(self) -> AnyRequest:
        """The oldest request, waiting for one without limit (signal handlers run meanwhile)."""
        return self._queue.get()

    def save(self) -> None:
        """Ask for a checkpoint after the running batch, for example from a signal handler."""
        self.submit(Save(id=new_id()))

    def stop(self, signal: int = 0) -> None:
        """Ask for a stop at the next batch edge, for example from a signal handler."""
        self.signal = self.signal or signal
        self.submit(Stop(id=new_id()))
