"""One file per pane; each draws a part of the state as lines and does nothing else."""
