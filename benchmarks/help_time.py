"""`miniai-tui --help` against a bare Python.

`python benchmarks/help_time.py [--pairs 20] [--seconds 1.5] [--quick]`

Windows of both take turns, each as many processes as fit into 1.5 s; CPU seconds are the processes' own.
Bound: <= 0.3 s.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time

from pairs import Ratios, Window
from pty_screen import command
from table import show, spread


def window(argv: list[str], seconds: float) -> Window:
    """Run a command again and again for at least so long."""
    count, start, before = 0, time.perf_counter(), os.times()
    while True:
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
        count += 1
        if (spent := time.perf_counter() - start) >= seconds:
            after = os.times()
            cpu = after.children_user + after.children_system - before.children_user - before.children_system
            return Window(count, spent, cpu)


def alternate(a: list[str], b: list[str], pairs: int, seconds: float) -> Ratios:
    """Windows of both commands take turns."""
    first: list[Window] = []
    second: list[Window] = []
    for i in range(pairs):
        for argv in (a, b) if i % 2 else (b, a):
            (first if argv is a else second).append(window(argv, seconds))
    return Ratios(first, second)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--quick", action="store_true", help="a smoke run: 2 pairs of 0.3 s")
    args = parser.parse_args()
    if args.quick:
        args.pairs, args.seconds = 2, 0.3
    rows = []
    for words in (["--help"], ["fit", "--help"]):
        argv = command(*words)
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
        ratios = alternate(argv, [sys.executable, "-c", "pass"], args.pairs, args.seconds)
        name = " ".join(["miniai-tui", *words])
        rows += [
            (name, spread([1 / w.rate for w in ratios.a], " s"), "<= 0.3 s"),
            (f"{name} / bare python", spread([1 / r for r in ratios.values], decimals=2), ""),
            (f"{name}: CPU", spread([w.cpu / w.items for w in ratios.a], " s"), ""),
        ]
    show("help", rows)


if __name__ == "__main__":
    main()
