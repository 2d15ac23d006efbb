"""What the screen knows about a run: facts in, plain values out; no clock, no input or output, no widgets."""

from __future__ import annotations

from tui.state.alerts import Alert
from tui.state.asked import Asked
from tui.state.marks import Mark
from tui.state.progress import Progress
from tui.state.rows import Row, Rows
from tui.state.run import RunState, Status
from tui.state.summary import summary

__all__ = ["Alert", "Asked", "Mark", "Progress", "Row", "Rows", "RunState", "Status", "summary"]
