"""A program that loads with other processes, run by the tests: `python script_loader.py WHAT PIPE`.

Only what must have it imports torch: its processes import this file, too.
"""

from __future__ import annotations

import os
import signal
import sys

from miniai.scratch.crew import Crew
from miniai.scratch.transport import pack
from miniai.scratch.worker import Task
from tests.miniai.scratch.items import as_list


class Announced:
    """Item 1 writes its process's id into a named pipe; with `wait` it never ends after that."""

    def __init__(self, wait: bool) -> None:
        self.wait = wait

    def __len__(self) -> int:
        return 4

    def __getitem__(self, i: int) -> int:
        if i == 1:
            with open(sys.argv[2], "w") as pipe:
                pipe.write(str(os.getpid()))
            if self.wait:
                signal.pause()
        return i


def crew(wait: bool) -> Crew:
    """One process."""
    return Crew(pack((Announced(wait), as_list)), 1)


def wait_for_ever() -> None:
    """An epoch whose second batch never comes."""
    from miniai.scratch import BatchSampler, ProcessLoader, Sampler

    for batch in ProcessLoader(Announced(True), BatchSampler(Sampler(range(4)), 1), 2, as_list):
        print(batch)


if __name__ == "__main__":
    if sys.argv[1] == "wait":
        wait_for_ever()
    elif sys.argv[1] == "leave":
        kept = crew(wait=True)  # still at work when the program ends
        kept.submit(Task([0], 0)).result()
        kept.submit(Task([1], 0))
        with open(sys.argv[2] + ".go") as begun:
            begun.read()
    elif sys.argv[1] == "die":
        kept = crew(wait=False)
        kept.submit(Task([1], 0)).result()
        os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[1] == "unguarded":
    kept = crew(wait=False)
    print(kept.submit(Task([0], 0)).result())
