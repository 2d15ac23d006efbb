"""miniai-tui: the screen, the command line and the log of a training run. It draws; it computes nothing of training."""
