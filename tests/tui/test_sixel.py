"""Sixels: what is encoded is what a terminal draws, pixel by pixel; colours are exact as long as there are enough."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.tui.sixel_decoder import Decoded
from tui.sixel import encode, percent, quantised

Seeded = tuple[int, int, int, int]
SIZES = st.tuples(st.integers(1, 40), st.integers(1, 60), st.integers(1, 256), st.integers(0, 10**6))


def palette(n: int, seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 101, (n, 3), np.uint8)


@given(SIZES, st.integers(1, 5), st.integers(1, 7))
def test_what_is_encoded_is_what_is_drawn(sizes: Seeded, tall: int, wide: int) -> None:
    height, width, n, seed = sizes
    colors = palette(n, seed)
    image = np.random.default_rng(seed).integers(0, n, (height, width), np.uint8).repeat(tall, 0).repeat(wide, 1)
    assert (Decoded(encode(image, colors)).whole == colors[image]).all()


@pytest.mark.parametrize("n", [1, 2, 3, 4, 9, 10, 99, 100, 255, 256, 300])
def test_stretches_of_every_length(n: int) -> None:
    colors = palette(3, n)
    image = np.zeros((7, 2 * n + 1), np.uint8)
    image[:, n] = 1
    image[3, n + 1 :] = 2
    assert (Decoded(encode(image, colors)).whole == colors[image]).all()


def test_only_colors_that_are_there_are_told() -> None:
    image = np.array([[7, 200], [7, 9]], np.uint8)
    found = Decoded(encode(image, palette(256, 1)))
    assert len(found.colors) == 3


def test_a_plain_picture_costs_next_to_nothing_and_an_enlarged_one_no_more_columns() -> None:
    assert len(encode(np.zeros((600, 800), np.uint8), palette(1, 0))) < 900
    small = np.random.default_rng(0).integers(0, 64, (1, 30), np.uint8).repeat(6, 0)
    wide = small.repeat(9, 1)
    assert len(encode(wide, palette(64, 1))) <= len(encode(small, palette(64, 1))) + 2 * 30 + 3


def test_no_control_character_is_inside() -> None:
    code = encode(np.arange(256, dtype=np.uint8).reshape(16, 16), palette(256, 2))
    assert re.fullmatch(r"[ -~]+", code[2:-2])


@given(SIZES)
def test_few_colors_are_kept_exactly(sizes: Seeded) -> None:
    height, width, n, seed = sizes
    known = np.random.default_rng(seed).integers(0, 256, (n, 3), np.uint8)
    which = np.random.default_rng(seed + 1).integers(0, n, (2, height, width))
    images, colors = quantised(list(known[which]), 256)
    assert len(colors) <= n
    for image, right in zip(images, known[which], strict=True):
        assert (colors[image] == percent(right.astype(np.int64))).all()


@given(st.integers(2, 255), st.integers(0, 10**6))
def test_many_colors_become_as_few_as_asked(most: int, seed: int) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (30, 30, 3), np.uint8)
    (image,), colors = quantised([picture], most)
    assert len(colors) <= most
    assert image.max() < len(colors)
    assert colors.max() <= 100
    drawn = colors[image].astype(int)
    far = abs(drawn - percent(picture.astype(np.int64))).mean()
    assert far < (26 if most < 8 else 17)  # of one grey: 25
    means = drawn.mean((0, 1)) - percent(picture.astype(np.int64)).mean((0, 1))
    assert abs(means).max() < 0.6


def test_a_smooth_picture_keeps_its_shades() -> None:
    """A slope of greys and one of colours: no step is wider than the number of colours makes necessary."""
    y, x = np.mgrid[:64, :64]
    picture = np.stack([4 * x, 4 * y, 255 - 2 * x - 2 * y], 2).astype(np.uint8)
    (image,), colors = quantised([picture], 255)
    assert 60 <= len(colors) <= 64
    assert abs(colors[image].astype(int) - percent(picture.astype(np.int64))).max() <= 15
    grey = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, 2)
    (image,), colors = quantised([grey], 17)
    assert abs(colors[image].astype(int) - percent(grey.astype(np.int64))).max() <= 5
