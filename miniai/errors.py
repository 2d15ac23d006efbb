"""The exceptions a user may meet.

```text
MiniaiError                something a user can mend; its text says what is wrong and what to do
├── UsageError             a wrong argument or option (exit code 2)
├── DataError              a dataset that is missing, broken or of another kind than expected
├── LearnerError           a Learner that cannot train: a step, hook, batch, metric or model is wrong
└── RunError               a run directory that cannot be written, read or reached
```

The Cancel exceptions (`miniai.callbacks.base`) are control flow and stand outside this tree.
"""

from __future__ import annotations

__all__ = ["DataError", "LearnerError", "MiniaiError", "RunError", "UsageError"]


class MiniaiError(Exception):
    """Base of every error that a user can mend; `str(error)` is one clear line."""


class UsageError(MiniaiError):
    """A wrong argument or option."""


class DataError(MiniaiError):
    """A dataset that is missing, broken or of another kind than expected."""


class LearnerError(MiniaiError):
    """A Learner that cannot train: a step, hook, batch, metric or model is wrong."""


class RunError(MiniaiError):
    """A run directory that cannot be written, read or reached."""
