"""Random keys and sizes at random moments of a real fit: whatever was typed, everything is in order afterwards.

RANDOM_KEYS=50 plays so many games with seeds of their own, RANDOM_KEYS_SEED=7 the one of that seed.
"""

from __future__ import annotations

import itertools
import os
import random
from collections import Counter

import psutil
import pytest

from miniai.run import events as ev
from tests.terminal.place import BATCHES, Place, eventually
from tests.terminal.term import Term
from tui.keys import GROUPS

pytestmark = pytest.mark.usefixtures("forked")

GAMES = int(os.environ.get("RANDOM_KEYS", "2"))
SEED = os.environ.get("RANDOM_KEYS_SEED")
SEEDS = [int(SEED)] if SEED else [1, 2] if GAMES == 2 else [random.randrange(10**9) for _ in range(GAMES)]
MOVES = 70
EPOCHS = 3

NAMES = {
    "space": " ", "full_stop": ".", "escape": "\x1b", "question_mark": "?", "plus": "+", "minus": "-", "slash": "/",
    "percent_sign": "%", "left_square_bracket": "[", "right_square_bracket": "]", "less_than_sign": "<",
    "greater_than_sign": ">", "equals_sign": "=", "underscore": "_", "colon": ":", "semicolon": ";", "comma": ",",
    "left_curly_bracket": "{", "right_curly_bracket": "}", "asterisk": "*", "tab": "\t", "enter": "\r",
}  # fmt: skip
OTHERS = ["\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1b[5~", "\x1b[6~", "\x1b[H", "\x1b[F", "\r", "\x1b", "\t",
          "\x1b[Z", "l", "x", "0.5", "5", "\x10", "\x7f"]  # fmt: skip
"""Arrows, pages, ends, enter, esc, tab, answers to questions, the palette, backspace."""
LEFT_OUT = {"suspend", "quit", "interrupt", "stop"}
"""ctrl+z needs a shell; what ends the run is typed less often than the others."""
ENDING = ["q", "\x11", "\x03", "s"]
SIZES = [(1, 1), (5, 20), (14, 59), (15, 60), (24, 80), (40, 120), (60, 200), (40, 120), (40, 120)]


def typed(key: str) -> str:
    """What a terminal sends for a key by its name."""
    if key.startswith("ctrl+") and len(key) == 6:
        return chr(ord(key[-1]) & 0x1F)
    assert len(key) == 1 or key in NAMES, f"what does a terminal send for {key!r}?"
    return NAMES.get(key, key)


def all_keys() -> list[str]:
    """The whole key map but for what is left out."""
    bindings = [binding for _, group in GROUPS for binding in group if binding.id not in LEFT_OUT]
    return [typed(key) for binding in bindings for key in binding.key.split(",")]


def play(term: Term, rng: random.Random, moves: int) -> None:
    """Type until the program ends or all is typed."""
    keys = all_keys()
    for _ in range(moves):
        if term.process.poll() is not None:
            return
        dice = rng.random()
        if dice < 0.06:
            term.resize(*rng.choice(SIZES))
        elif dice < 0.10:
            term.send(rng.choice(ENDING))
        else:
            term.send(rng.choice(keys if dice < 0.7 else OTHERS))
        for _ in range(rng.choice((0, 0, 1, 1, 2, 5))):
            term.pump(0.02)


def leave(term: Term) -> None:
    """From wherever it stands: close what is open, stop and quit."""
    term.resize(40, 120)
    for keys in ["\x1b", "\x1b", "\x1b", "\x1b", "q", "s"] * 6:
        if term.process.poll() is not None:
            return
        term.send(keys)
        for _ in range(12):
            term.pump(0.02)


@pytest.mark.parametrize(("worker", "seed"), [*(("process", s) for s in SEEDS), ("thread", SEEDS[0])])
def test_random_keys(place: Place, worker: str, seed: int) -> None:
    print(f"RANDOM_KEYS_SEED={seed}")
    rng = random.Random(f"{worker} {seed}")
    term = place.term(place.fit("--worker", worker, epochs=EPOCHS), "slow:0.004,watch")
    term.until(lambda: term.modes, "the first frame")
    if rng.random() < 0.8:
        term.wait("● training")
    play(term, rng, MOVES)
    leave(term)
    code = term.exit()
    assert term.sane, sorted(term.modes)
    print(term.text, place.log[-6000:], sep="\n")
    killed = "killed" in term.text
    assert code == 0 or (killed and worker == "thread" and code in (-9, 137)), term.text
    assert "Traceback" not in term.text
    in_order(place, killed)


def in_order(place: Place, killed: bool) -> None:
    """The trainer is gone or goes on; journal and counters are consistent."""
    if not place.facts("RunStarted"):
        return  # left before the trainer had said a word
    if not killed and not place.ended:  # it was left running, perhaps paused: now it is to stop
        assert not place.trainer_is_gone(), place.log
        place.trainer().send_signal(15)
        eventually(lambda: place.ended, "the end of a run that was left alone")
    eventually(lambda: place.trainer_is_gone() or place.trainer() == psutil.Process(), "the trainer's end")
    assert "Traceback" not in place.log, place.log
    lines = (place.run / "events.jsonl").read_bytes().split(b"\n")
    facts = [ev.decode(line) for line in lines[:-1]]
    if killed:
        return
    assert lines[-1] == b""
    assert [type(fact) for fact in facts].count(ev.FitEnded) == 1
    assert isinstance(facts[-1], ev.FitEnded)
    if (place.folder / "hooks").exists():  # it got as far as the fit
        assert (place.folder / "hooks").read_text() == "0 []"
    counters(facts)
    answers(facts, place)


def counters(facts: list[ev.AnyFact]) -> None:
    """Steps without a gap; halves that begin and end in turn; sums that agree."""
    end = facts[-1]
    assert isinstance(end, ev.FitEnded)
    steps = [f.first + i * f.stride for f in facts if isinstance(f, ev.Scalars) and f.name == "loss"
             for i in range(len(f.values))]  # fmt: skip
    assert steps == list(range(1, end.step + 1))
    halves = [f for f in facts if isinstance(f, (ev.EpochStarted, ev.EpochEnded))]
    for begin, over in zip(halves[::2], halves[1::2], strict=True):
        assert isinstance(begin, ev.EpochStarted)
        assert isinstance(over, ev.EpochEnded)
        assert (begin.epoch, begin.phase, begin.batches) == (over.epoch, over.phase, over.of)
        assert 0 <= over.batches <= over.of
    trained = [f for f in facts if isinstance(f, ev.EpochEnded) and f.phase == "train"]
    assert sum(f.batches for f in trained) == end.step <= BATCHES * len(trained)
    assert [f.epoch for f in trained] == list(range(len(trained)))
    for half in trained:
        skipped = [f for f in facts if isinstance(f, ev.BatchSkipped) and (f.epoch, f.phase) == (half.epoch, "train")]
        if half.ended == "complete":
            assert half.batches + len(skipped) == half.of
    assert all(a.at <= b.at for a, b in itertools.pairwise(facts))


def answers(facts: list[ev.AnyFact], place: Place) -> None:
    """Each request that reached the trainer was answered exactly once."""
    given = Counter(request for fact in facts if (request := getattr(fact, "request", "")))
    file = place.folder / "asked"
    asked = Counter(file.read_text().split()) if file.exists() else Counter[str]()
    assert [id_ for id_, n in given.items() if n > 1] == []
    assert max(asked.values(), default=1) == 1
    late = {fact.request for fact in facts if isinstance(fact, ev.Refused) and "the run is over" in fact.why}
    assert set(given) - late <= set(asked)
    signalled = [fact for fact in facts if isinstance(fact, ev.Alerted) and fact.topic == "signal"]
    unanswered = set(asked) - set(given)
    begun = any(isinstance(fact, ev.FitStarted) for fact in facts)
    assert not begun or len(unanswered) <= len(signalled), [f for f in facts if isinstance(f, ev.Refused)]
