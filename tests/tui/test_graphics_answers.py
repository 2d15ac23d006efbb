"""What a terminal answers to the questions about graphics: nothing of the user's is lost, nothing is made up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.graphics import Answers, Sixels, Ways, cell_of_window, may_be_asked

YES, KITTY, DA1 = b"\x1b_Gi=31;OK\x1b\\", b"\x1bP>|kitty(0.35.2)\x1b\\", b"\x1b[?62;52;c"
SIXEL = b"\x1b[?62;4;22c"
CELL, COLORS, LARGEST = b"\x1b[6;20;10t", b"\x1b[?1;0;64S", b"\x1b[?2;0;800;480S"
KEYS = [
    b"a",
    b"\x1b[A",
    b"\x1b[6~",
    b"\x1b[6;5~",
    b"\x1b[48;40;120;800;1200t",
    b"\x1b[27u",
    b"\x1bOP",
    b"\x1b[<0;3;4M",
    b"\x1b[200~x y\x1b[201~",
    "é".encode(),
    b"\x1b[?2026;2$y",
    b"\r",
]


def answered(*pieces: bytes) -> tuple[Answers, bytes]:
    answers, left = Answers(), b""
    for i, piece in enumerate(pieces):
        left += answers.take(piece, i * 0.001)
    return answers, left + answers.late(60.0)


@given(st.lists(st.sampled_from(KEYS), max_size=8), st.data())
def test_keys_and_answers_are_told_apart_however_they_are_cut(keys: list[bytes], data: st.DataObject) -> None:
    stream = list(keys)
    at = 0
    for answer in (YES, KITTY, CELL, COLORS, LARGEST, SIXEL):
        at = data.draw(st.integers(at, len(stream)))
        stream.insert(at, answer)
        at += 1
    whole = b"".join(stream)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(whole)), max_size=len(whole))))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    answers, left = answered(*pieces)
    assert left == b"".join(keys)
    assert answers.over
    assert answers.ways() == Ways(True, True, True, Sixels((20, 10), 64, (480, 800)), True)


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_garbage_is_no_answer_and_no_error(pieces: list[bytes]) -> None:
    answers, _ = answered(*pieces)
    assert not answers.graphics
    assert not answers.waiting


@pytest.mark.parametrize("key", [b"\x1b", b"\x1b_", b"\x1bP", b"\x1b["])
def test_keys_that_look_like_the_beginning_of_an_answer_come_soon(key: bytes) -> None:
    answers = Answers()
    assert answers.take(key, 1.0) == b""
    assert answers.late(1.01) == b""
    assert answers.late(1.06) == key
    assert not answers.waiting
    answers.take(DA1, 2.0)
    assert answers.take(key, 3.0) == key  # at once, when no answer is awaited


def test_an_answer_that_was_torn_off_is_dropped() -> None:
    answers = Answers()
    assert answers.take(b"x\x1b_Gi=31;O", 1.0) == b"x"
    assert answers.late(1.5) == b""
    assert answers.late(4.1) == b""
    assert answers.take(b"y", 4.2) == b"y"
    assert not answers.graphics


def test_an_answer_that_is_cut_off_by_another_is_no_key() -> None:
    answers, left = answered(b"a\x1b_Gi=31;ESES\x1b", b"[Ab\x1bP>|kitty(0.", KITTY, b"c", DA1)
    assert left == b"a\x1b[Abc"
    assert (answers.over, answers.graphics, answers.placeholders) == (True, False, True)


@pytest.mark.parametrize(
    ("name", "able"),
    [
        ("kitty(0.28.0)", True), ("kitty(0.46.1)", True), ("kitty(1.0.0)", True), ("ghostty 1.1.3", True),
        ("kitty(0.27.1)", False), ("WezTerm 20240203-110809-5046fc22", False), ("iTerm2 3.5.0", False), ("", False),
        ("Konsole 24.08.1", False), ("kitty", False), ("notkitty(0.35.0)", False), ("tmux 3.5a", False),
    ],
)  # fmt: skip
def test_names_that_are_known_to_draw_placeholders(name: str, able: bool) -> None:
    answers, _ = answered(b"\x1bP>|" + name.encode() + b"\x1b\\")
    assert answers.placeholders is able


@pytest.mark.parametrize(
    ("attributes", "able"),
    [(b"?62;4;22c", True), (b"?63;1;2;4;6;9c", True), (b"?61;4c", True), (b"?4;6c", False), (b"?62;c", False),
     (b"?64;1;2;6;9;14;44c", False), (b"?c", False), (b"?1;2c", False)],
)  # fmt: skip
def test_who_says_that_it_knows_sixels(attributes: bytes, able: bool) -> None:
    answers, left = answered(CELL, b"\x1b[" + attributes)
    assert answers.ways().sixel is able
    assert not left


@pytest.mark.parametrize(
    ("said", "sizes"),
    [
        (b"", None),
        (b"\x1b[6;0;0t", None),
        (b"\x1b[6;20t", None),
        (b"\x1b[6;9999;10t", None),
        (b"\x1b[6;17;8t", Sixels((17, 8))),
        (CELL + b"\x1b[?1;3S\x1b[?2;3S", Sixels((20, 10))),  # xterm without them
        (CELL + b"\x1b[?1;3;0S\x1b[?2;0;0;0S", Sixels((20, 10))),
        (CELL + b"\x1b[?1;0;1024S\x1b[?2;0S", Sixels((20, 10))),
        (CELL + b"\x1b[?1;0;4S", Sixels((20, 10), 16)),
        (CELL + b"\x1b[?2;0;640;408S", Sixels((20, 10), 256, (408, 640))),
        (CELL + b"\x1bP>|tmux 3.5a\x1b\\", None),  # on another machine, where it was not seen
    ],
)
def test_how_sixels_must_be(said: bytes, sizes: Sixels | None) -> None:
    answers, _ = answered(said, SIXEL)
    assert answers.ways().sizes == sizes


def test_the_size_of_a_cell_may_come_again_and_from_the_system() -> None:
    answers, _ = answered(SIXEL)
    assert answers.ways((18, 9)) == Ways(False, False, True, Sixels((18, 9)), False)
    assert answers.told == 1
    assert answers.take(b"x\x1b[6;2", 1.0) == b"x"
    assert answers.take(b"4;12ty", 1.1) == b"y"
    assert answers.told == 2
    assert answers.ways((18, 9)).sizes == Sixels((24, 12))
    assert answers.take(b"\x1b[6;0;12t" + SIXEL + KITTY, 1.2) == b""
    assert (answers.told, answers.name) == (2, "")


def test_the_size_of_a_cell_as_the_system_knows_it() -> None:
    import fcntl
    import os
    import struct
    import termios

    master, slave = os.openpty()
    for size, cell in (((40, 120, 0, 0), None), ((40, 120, 964, 684), (17, 8)), ((0, 0, 9, 9), None)):
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *size))
        assert cell_of_window(slave) == cell
    os.close(slave)
    os.close(master)
    assert cell_of_window(slave) is None


def test_who_is_asked() -> None:
    kitty = {"TERM": "xterm-kitty"}
    assert may_be_asked(kitty)
    assert may_be_asked({"TERM": "xterm-256color"})
    for more in ({"TMUX": "/tmp/tmux"}, {"STY": "1.pts"}, {"ZELLIJ": "0"}, {"TERM_PROGRAM": "Apple_Terminal"}):
        assert not may_be_asked({**kitty, **more})
    assert not any(may_be_asked({"TERM": term}) for term in ("", "dumb", "screen.xterm", "tmux-256color", "linux"))
