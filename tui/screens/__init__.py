"""Screens: the run, and the dialogs over it."""
