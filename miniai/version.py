"""The program's own version, for what it writes."""

from __future__ import annotations

from functools import cache

__all__ = ["own_version"]


@cache
def own_version() -> str:
    """As it was installed; empty where it runs from a copy of its files."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("miniai-tui")
    except PackageNotFoundError:
        return ""
