"""What NVIDIA's management library says of the GPUs: each number may be missing, and the library may hang."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from miniai.deadline import Deadline
from miniai.run.machine import GpuKind, GpuUse

__all__ = ["Nvml", "visible_gpu"]

MIB = 2**20
MOST = 16
"""GPUs that are told of."""


def visible_gpu(index: int, uuid: str = "", environ: Mapping[str, str] = os.environ) -> str:
    """The driver's name for CUDA device `index`: "GPU-..." or "MIG-..." (possibly cut short), or the driver's number.

    `uuid` is what torch says of the device, without "GPU-"; it is surer than the environment's CUDA_VISIBLE_DEVICES,
    whose numbers may count another order than the driver's. A part of a GPU ("MIG-...") is known only there.
    """
    entries = [entry.strip() for entry in environ.get("CUDA_VISIBLE_DEVICES", "").split(",")]
    entry = entries[index] if index < len(entries) else ""
    if entry.startswith("MIG-"):
        return entry
    return f"GPU-{uuid.removeprefix('GPU-')}" if uuid else entry or str(index)


class Nvml:
    """Reads the GPUs, each call through `call`, those named in `used` first.

    `kinds` is what is there and `why` says why it is empty. A driver that did not answer is asked again by the next
    `read`; one that is not there is not.
    """

    def __init__(self, call: Deadline, used: Sequence[str] = (), library: Any = None) -> None:
        self._call, self._used, self._library = call, tuple(used), library
        self._handles: list[Any] = []
        self._begun = self._opened = self._absent = False
        self.kinds: list[GpuKind] = []
        self.why = ""

    def read(self) -> list[GpuUse]:
        """All GPUs now, in the order of `kinds`."""
        if not self._opened and not self._absent:
            self._open()
        return [self._use(handle) for handle in self._handles]

    def close(self) -> None:
        """Give the library back."""
        if self._begun:
            self._ask(self._library.nvmlShutdown)
        self._begun = self._opened = False
        self._handles = []

    def _open(self) -> None:
        if self._library is None:
            import pynvml

            self._library = pynvml
        lib = self._library
        missing = lib.NVML_ERROR_LIBRARY_NOT_FOUND, lib.NVML_ERROR_DRIVER_NOT_LOADED
        try:
            self._call(lib.nvmlInit)
            self._begun = True
            found = [(self._kind(i, handle), handle) for i, handle in self._found()]
        except TimeoutError:
            found = []
        except lib.NVMLError as error:
            self._absent = True
            self.why = "" if getattr(error, "value", None) in missing else f"the GPU driver says: {error}"
            return
        if self._call.hangs:  # what was found in spite of that is not whole
            self.why = "the GPU driver does not answer"
            return
        self._opened = True
        found.sort(key=lambda pair: not pair[0].used)
        self.kinds, self._handles = [kind for kind, _ in found], [handle for _, handle in found]
        self.why = ""

    def _found(self) -> list[tuple[int, Any]]:
        """Numbers and handles: parts of GPUs that the run uses, then whole ones."""
        lib = self._library
        count = min(self._call(lib.nvmlDeviceGetCount), MOST)
        parts = [self._ask(lib.nvmlDeviceGetHandleByUUID, name) for name in self._used if name.startswith("MIG-")]
        whole = [(i, self._ask(lib.nvmlDeviceGetHandleByIndex, i)) for i in range(count)]
        return [(i, h) for i, h in [*((-1, h) for h in parts), *whole] if h is not None]

    def _kind(self, index: int, handle: Any) -> GpuKind:
        lib = self._library
        uuid = _text(self._ask(lib.nvmlDeviceGetUUID, handle))
        used = any(_same(name, index, uuid) for name in self._used)
        memory = self._ask(lib.nvmlDeviceGetMemoryInfo, handle)
        power = self._ask(lib.nvmlDeviceGetEnforcedPowerLimit, handle)
        return GpuKind(
            name=_text(self._ask(lib.nvmlDeviceGetName, handle)) or "GPU",
            index=max(index, 0),
            used=used or index < 0,
            memory=0 if memory is None else int(memory.total) // MIB,
            power=0.0 if power is None else round(power / 1000, 1),
        )

    def _use(self, handle: Any) -> GpuUse:
        lib = self._library
        rates = self._ask(lib.nvmlDeviceGetUtilizationRates, handle)
        memory = self._ask(lib.nvmlDeviceGetMemoryInfo, handle)
        heat = self._ask(lib.nvmlDeviceGetTemperature, handle, lib.NVML_TEMPERATURE_GPU)
        power = self._ask(lib.nvmlDeviceGetPowerUsage, handle)
        return GpuUse(
            busy=None if rates is None else rates.gpu / 100,
            memory=None if memory is None else int(memory.used) // MIB,
            temperature=None if heat is None else float(heat),
            power=None if power is None else round(power / 1000, 1),
        )

    def _ask(self, function: Callable[..., Any], *args: Any) -> Any:
        """One answer of the library, or None."""
        try:
            return self._call(function, *args)
        except (self._library.NVMLError, TimeoutError, OSError, ValueError):
            return None


def _same(name: str, index: int, uuid: str) -> bool:
    return name == str(index) if name.isdecimal() else bool(uuid) and uuid.startswith(name)


def _text(name: str | bytes | None) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else name or ""
