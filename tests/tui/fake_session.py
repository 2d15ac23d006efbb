"""A session that posts recorded facts and writes down what is asked of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from textual.message import Message

from miniai.run.events import AnyFact
from miniai.run.requests import AnyRequest
from tui.messages import Reported


class FakeSession:
    """Posts `facts` at once; more come with `post`. `run` returns at once: nothing has to be waited for."""

    def __init__(self, run_dir: Path, facts: Iterable[AnyFact] = ()) -> None:
        self.run_dir = run_dir
        self.owns = True
        self.can_leave = True
        self.facts = list(facts)
        self.requests: list[AnyRequest] = []
        self.killed = False
        self.closed = threading.Event()
        self.app_post: Callable[[Message], object] | None = None

    def run(self, app_post: Callable[[Message], object]) -> None:
        self.app_post = app_post
        if self.facts:
            app_post(Reported(self.facts))

    def post(self, *facts: AnyFact) -> None:
        assert self.app_post is not None
        self.app_post(Reported(list(facts)))

    def request(self, request: AnyRequest) -> None:
        self.requests.append(request)

    def kill(self) -> None:
        self.killed = True

    def close(self) -> None:
        self.closed.set()
