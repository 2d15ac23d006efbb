"""Packed histograms: short, harmless in JSON, and near to what was counted."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniai.run.packed import LEVELS, count_of, pack, unpack


@given(st.lists(st.integers(0, 7_000_000_000), max_size=42))
def test_counts_come_back_within_13_percent(counts: list[int]) -> None:
    text = pack(counts)
    assert len(json.dumps(text)) <= len(counts) + 2
    assert [count_of(level) for level in unpack(text, len(counts))] == pytest.approx(counts, rel=0.134)


def test_small_counts_and_zeros() -> None:
    assert pack([0] * 42) == ""
    assert unpack("", 42) == [0] * 42
    assert unpack(pack([0, 1, 0, 0]), 4) == [0, 1, 0, 0]
    assert count_of(1) == 1
    assert max(unpack(pack([1e300]), 1)) == LEVELS - 1


@given(st.text(max_size=60))
def test_any_text_gives_levels(text: str) -> None:
    levels = unpack(text, 42)
    assert len(levels) == 42
    assert all(0 <= level < LEVELS for level in levels)
