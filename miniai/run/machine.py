"""What `SystemSampled` tells of the machine: its parts, named once, and what each graphics card is doing."""

from __future__ import annotations

import msgspec

__all__ = ["GpuKind", "GpuUse", "Machine"]


class GpuKind(msgspec.Struct, frozen=True, omit_defaults=True):
    """One NVIDIA GPU; 0 stands for what the driver does not say."""

    name: str
    index: int = 0
    """The driver's number for it, as nvidia-smi shows it."""
    used: bool = False
    """Whether the run computes on it."""
    memory: int = 0
    """MiB in all."""
    power: float = 0.0
    """Watts it may draw."""


class Machine(msgspec.Struct, frozen=True, omit_defaults=True):
    """What stays the same from sample to sample."""

    cores: int = 0
    memory: int = 0
    """MiB of memory in all; 0: not known."""
    disk: int = 0
    """MiB of the run directory's disk in all; 0: not known."""
    gpus: list[GpuKind] = []
    """Those that the run uses first."""
    why: str = ""
    """Where `gpus` is empty: what the driver said."""


class GpuUse(msgspec.Struct, frozen=True, array_like=True):
    """One GPU now; None: the driver does not say."""

    busy: float | None = None
    """Share, 0 to 1, of the time since the driver's sample before in which something was computed."""
    memory: int | None = None
    """MiB in use, by whatever program."""
    temperature: float | None = None
    """Degrees Celsius."""
    power: float | None = None
    """Watts."""
