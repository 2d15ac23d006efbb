"""The one place that reaches into Textual's driver: the terminal's answers must not arrive as keys.

Textual 8 has no public way to ask the terminal something and to read what it answers: its parser makes key presses
of what it does not know. The driver and the methods overridden here are public; the parser of keys is not, and
there is no other way to feed one.
"""

from __future__ import annotations

import os
import select
import signal
import time
from codecs import getincrementaldecoder
from typing import Any

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

from tui.graphics import QUESTIONS, Answers, cell_of_window
from tui.messages import GraphicsAnswered

__all__ = ["GraphicsDriver"]

_LOOK = 0.1
"""Seconds between two looks whether the driver is to end."""


class GraphicsDriver(LinuxDriver):
    """Asks the terminal once whether it knows graphics; takes its pictures away whenever it is given back.

    Where it draws sixels, what is written goes through the pictures' hands.
    """

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        self._pictures = app.graphics
        self._answers = Answers()
        self._asked = False

    def write(self, data: str) -> None:
        """Write to the terminal; a frame comes whole."""
        super().write(self._pictures.translated(data))

    def start_application_mode(self) -> None:
        """Ask with the first bytes: the first frame waits for nothing."""
        super().start_application_mode()  # type: ignore[no-untyped-call]  # Textual's
        if not self._asked:
            self._asked = True
            self.write(QUESTIONS)
        self._pictures.write = self.write

    def stop_application_mode(self) -> None:
        """For the end, a crash and a suspension alike."""
        self._pictures.write = None
        if farewell := self._pictures.take_away():
            self.write(farewell)
        super().stop_application_mode()

    def suspend_application_mode(self) -> None:
        """Give the terminal back for ctrl+z; then the whole job stops, what started us (make, time) included.

        Textual stops only its own process: a shell that waits for `make` would never get the terminal.
        """
        super().suspend_application_mode()
        own = signal.signal(signal.SIGTSTP, signal.SIG_IGN)  # Textual stops this process itself, when all is done
        os.killpg(os.getpgrp(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, own)

    def run_input_thread(self) -> None:
        """Read keys until the driver ends; in a thread of Textual's."""
        parser = XTermParser()
        decode = getincrementaldecoder("utf-8")("replace").decode
        while not self.exit_event.is_set():
            data = self._read()
            if data is None:
                break
            if text := decode(data):
                for message in parser.feed(text):
                    self.process_message(message)
            for message in parser.tick():
                self.process_message(message)

    def _read(self) -> bytes | None:
        """What the user has sent meanwhile; None when nothing will come any more."""
        answers, data = self._answers, b""
        soon = _LOOK / 4 if answers.waiting else _LOOK
        if select.select([self.fileno], [], [], soon)[0]:
            try:
                read = os.read(self.fileno, 4096)
            except OSError:  # the terminal is gone: whoever watches for that acts on it
                return None
            if not read:
                return None
            told = answers.told
            data = answers.take(read, time.monotonic())
            if answers.told > told:
                self.process_message(GraphicsAnswered(answers.ways(cell_of_window(self.fileno))))
        return data + answers.late(time.monotonic())
