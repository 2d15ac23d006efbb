"""Switch: a yes or no that changes with an epoch; the trainer obeys it and the screen reckons with it."""

from __future__ import annotations

__all__ = ["Switch"]


class Switch:
    """On at first; `turn` says what holds from an epoch on."""

    def __init__(self) -> None:
        self._before = self._then = True
        self._from = 0

    def turn(self, on: bool, epoch: int) -> None:
        """Have it `on` or off from `epoch`, counted from 0."""
        if epoch != self._from:
            self._before = self._then
        self._then, self._from = on, epoch

    def at(self, epoch: int) -> bool:
        """What holds in an epoch; for those before the last change but one the answer is that of the last but one."""
        return self._then if epoch >= self._from else self._before

    def state(self) -> tuple[bool, bool, int]:
        """What to give to `restore`."""
        return self._before, self._then, self._from

    def restore(self, state: tuple[bool, bool, int]) -> None:
        """Be as when this `state` was taken."""
        self._before, self._then, self._from = state

    @property
    def last(self) -> bool:
        """What holds in the end."""
        return self._then
