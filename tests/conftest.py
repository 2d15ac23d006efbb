"""What all tests need of the process that runs them."""

from __future__ import annotations

import signal

from hypothesis import settings

# A shell ignores these for what it starts in the background, and children inherit that: the programs that tests start
# would never hear the signals that they are sent.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGQUIT) is signal.SIG_IGN:
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)

# How long one example takes is said by what else the machine does, not by the code.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")
