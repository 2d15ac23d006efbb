"""Sampler: what the machine is doing, told every two seconds from a thread of its own."""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

from miniai.deadline import Deadline
from miniai.nvml import MIB, Nvml
from miniai.run.events import Fact, SystemSampled
from miniai.run.machine import Machine

__all__ = ["Sampler"]

_log = logging.getLogger("miniai")

EVERY = 2.0
FIRST = 0.25
"""Seconds until the first sample: shares of time need a moment to be measured over."""
PATIENCE = 0.5
"""Seconds that a call of the driver or of the disk may take."""


class Sampler:
    """Emits SystemSampled about every `every` seconds between `start` and `close`; nothing after `close`.

    `used` names the GPUs that the run computes on (see `miniai.nvml.visible_gpu`), `folder` is the run's directory.
    Each call of the driver and of the disk has a deadline: what does not answer is None, and nobody waits for it.
    """

    def __init__(
        self,
        emit: Callable[[Fact], object],
        now: Callable[[], float],
        folder: Path | None = None,
        used: Sequence[str] = (),
        *,
        every: float = EVERY,
        first: float = FIRST,
        patience: float = PATIENCE,
        library: Any = None,
    ) -> None:
        self._emit, self._now, self._folder = emit, now, folder
        self._every, self._first = every, first
        self._driver, self._disk = Deadline(patience, "GPU driver"), Deadline(patience, "disk")
        self._nvml = Nvml(self._driver, used, library)
        self._told: Machine | None = None
        self._over = threading.Event()
        self._lock = threading.Lock()  # a fact is emitted before `close` or not at all
        self._thread = threading.Thread(target=self._run, name="system sampler", daemon=True)

    def start(self) -> None:
        """Begin; once only."""
        self._thread.start()

    def close(self) -> None:
        """End. Waits for a call that is under way as long as its deadline allows."""
        with self._lock:
            self._over.set()
        if self._thread.is_alive():
            self._thread.join(2 * self._driver.seconds + self._disk.seconds)

    def _run(self) -> None:
        try:
            process = psutil.Process()
            psutil.cpu_percent(None)  # the first answers of these two are over no time
            process.cpu_percent(None)
            wait = self._first
            while not self._over.wait(wait):
                sample = self._sample(process)
                with self._lock:
                    if not self._over.is_set():
                        self._emit(sample)
                wait = self._every
        except Exception:  # noqa: BLE001  # watching the machine must not hurt the run
            _log.exception("the machine is not watched any more")
        finally:
            self._nvml.close()
            self._driver.close()
            self._disk.close()

    def _sample(self, process: psutil.Process) -> SystemSampled:
        memory = psutil.virtual_memory()
        gpus = self._nvml.read()
        disk = self._room()
        machine = Machine(
            cores=psutil.cpu_count() or os.cpu_count() or 0,
            memory=memory.total // MIB,
            disk=0 if disk is None else disk.total // MIB,
            gpus=self._nvml.kinds,
            why=self._nvml.why,
        )
        if self._told is not None and disk is None:  # a disk that does not answer is still the same disk
            machine = Machine(machine.cores, machine.memory, self._told.disk, machine.gpus, machine.why)
        new = machine != self._told
        self._told = machine
        return SystemSampled(
            at=self._now(),
            machine=machine if new else None,
            gpus=gpus,
            cpu=round(psutil.cpu_percent(None) / 100, 3),
            memory=(memory.total - memory.available) // MIB,
            process_cpu=round(process.cpu_percent(None) / 100, 2),
            process_memory=process.memory_info().rss // MIB,
            disk_free=None if disk is None else disk.free // MIB,
            log=None if disk is None else self._logged(),
        )

    def _logged(self) -> int | None:
        """Bytes of the run's log; None if there is none."""
        if self._folder is None:
            return None
        try:
            return int(self._disk(os.stat, self._folder / "log.txt").st_size)
        except (OSError, TimeoutError):
            return None

    def _room(self) -> Any:
        """Room on the disk of the run's directory; None if it does not say."""
        if self._folder is None:
            return None
        try:
            return self._disk(shutil.disk_usage, self._folder)
        except (OSError, TimeoutError):
            return None
