"""Training in half precision and through accelerate, under the course's name."""

from __future__ import annotations

from miniai.callbacks.accelerate import AccelerateCB
from miniai.callbacks.precision import MixedPrecision

__all__ = ["AccelerateCB", "MixedPrecision"]
