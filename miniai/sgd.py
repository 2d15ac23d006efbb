"""Schedules and what records them, under the course's name for the lesson on optimizers."""

from __future__ import annotations

from miniai.callbacks.record import RecorderCB
from miniai.callbacks.schedule import BaseSchedCB, BatchSchedCB, EpochSchedCB, HasLearnCB

__all__ = ["BaseSchedCB", "BatchSchedCB", "EpochSchedCB", "HasLearnCB", "RecorderCB"]
