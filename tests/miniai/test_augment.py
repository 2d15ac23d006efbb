"""Random changes of images: what they change, what they keep, how often, and from which random numbers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Generator, Tensor, nn

from miniai import augment
from miniai.augment import RandCopy, RandCrop, RandErase, RandFlip, rand_copy, rand_crop, rand_erase, rand_flip
from miniai.errors import UsageError

shapes = st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 12), st.integers(1, 12))
seeds = st.integers(0, 2**31)


def seeded(seed: int) -> Generator:
    return Generator().manual_seed(seed)


def images(shape: tuple[int, ...], seed: int) -> Tensor:
    """Every pixel is another number, so that it can be found again."""
    n = torch.Size(shape).numel()
    return torch.randperm(n, generator=seeded(seed)).double().view(shape) + 1


FUNCTIONS: list[Callable[..., Tensor]] = [rand_erase, rand_copy, rand_crop, rand_flip]


@pytest.mark.parametrize("f", FUNCTIONS)
@settings(max_examples=25, deadline=None)
@given(shape=shapes, seed=seeds)
def test_the_input_stays_and_the_same_seed_gives_the_same(
    f: Callable[..., Tensor], shape: tuple[int, ...], seed: int
) -> None:
    x = images(shape, seed)
    before = x.clone()
    one, two = f(x, generator=seeded(seed)), f(x, generator=seeded(seed))
    assert one.shape == x.shape
    assert one.dtype == x.dtype
    assert torch.equal(one, two)
    assert torch.equal(x, before)
    one.fill_(0)  # its memory is its own
    assert torch.equal(x, before)


@pytest.mark.parametrize("f", FUNCTIONS)
def test_a_generator_of_ones_own_leaves_torchs_alone(f: Callable[..., Tensor]) -> None:
    x = images((4, 1, 8, 8), 0)
    state = torch.get_rng_state()
    f(x, generator=seeded(1))
    assert torch.equal(torch.get_rng_state(), state)
    f(x)
    assert not torch.equal(torch.get_rng_state(), state)


@settings(max_examples=40, deadline=None)
@given(shapes, seeds, st.floats(0, 1), st.integers(0, 5))
def test_erase_puts_noise_of_the_batchs_range_into_rectangles(
    shape: tuple[int, int, int, int], seed: int, pct: float, max_num: int
) -> None:
    x = images(shape, seed)
    out = rand_erase(x, pct, max_num, seeded(seed))
    high, wide = int(pct * shape[2]), int(pct * shape[3])
    changed = (out != x).any(1)
    assert changed.flatten(1).sum(1).max() <= max_num * high * wide
    assert out.min() >= x.min()
    assert out.max() <= x.max()


def test_erase_counts_places_and_noise_are_random_for_each_image() -> None:
    x = torch.randn(4000, 1, 20, 20, generator=seeded(0)) * 0.3 + 5
    out = rand_erase(x, 0.2, 1, seeded(1))
    changed = (out != x).flatten(1).sum(1)
    assert (changed == 0).float().mean().item() == pytest.approx(0.5, abs=0.03)  # 0 or 1 rectangle
    assert changed.max() == 16
    where = (out != x).float().mean((0, 1))
    assert where.min() > 0  # the corners too
    assert torch.unique((out != x).flatten(1), dim=0).shape[0] > 250  # 17 * 17 places and none
    noise = out[out != x]
    assert noise.mean().item() == pytest.approx(5, abs=0.01)
    assert noise.std().item() == pytest.approx(0.3, abs=0.01)


@settings(max_examples=40, deadline=None)
@given(shapes, seeds, st.floats(0, 1), st.integers(0, 4))
def test_copy_takes_pixels_of_the_same_image_and_channel(
    shape: tuple[int, int, int, int], seed: int, pct: float, max_num: int
) -> None:
    x = images(shape, seed)
    out = rand_copy(x, pct, max_num, seeded(seed))
    for before, after in zip(x.flatten(0, 1), out.flatten(0, 1), strict=True):
        assert torch.isin(after, before).all()
    high, wide = int(pct * shape[2]), int(pct * shape[3])
    changed = (out != x).any(1).flatten(1).sum(1)
    assert changed.max() <= max_num * high * wide
    # all channels move together
    channels = (out != x).flatten(2)
    assert (channels == channels[:, :1]).all()


def copied_by_hand(x: Tensor, pct: float, max_num: int, generator: Generator) -> Tensor:
    """The same draws in the same order, rectangle by rectangle."""
    n, _, height, width = x.shape
    high, wide = int(pct * height), int(pct * width)
    count = torch.randint(max_num + 1, (n, 1), generator=generator)
    limits = (height - high + 1, width - wide + 1) * 2
    from_top, from_left, top, left = (torch.randint(m, (n, max_num), generator=generator) for m in limits)
    out = x.clone()
    for i in range(n):
        for k in range(int(count[i])):
            r, c, t, s = (int(place[i, k]) for place in (from_top, from_left, top, left))
            out[i, :, t : t + high, s : s + wide] = out[i, :, r : r + high, c : c + wide].clone()
    return out


@settings(max_examples=40, deadline=None)
@given(shapes, seeds, st.floats(0, 1), st.integers(0, 4))
def test_copies_are_made_one_after_the_other(
    shape: tuple[int, int, int, int], seed: int, pct: float, max_num: int
) -> None:
    x = images(shape, seed)
    assert torch.equal(rand_copy(x, pct, max_num, seeded(seed)), copied_by_hand(x, pct, max_num, seeded(seed)))


@settings(max_examples=40, deadline=None)
@given(shapes, seeds, st.integers(0, 3))
def test_crop_shifts_each_image_and_fills_with_zeros(shape: tuple[int, int, int, int], seed: int, padding: int) -> None:
    x = images(shape, seed)
    out = rand_crop(x, padding, seeded(seed))
    padded = nn.functional.pad(x, (padding,) * 4)
    _, _, high, wide = shape
    shifts = range(2 * padding + 1)
    for source, cropped in zip(padded, out, strict=True):
        windows = [source[:, r : r + high, c : c + wide] for r in shifts for c in shifts]
        assert any(torch.equal(window, cropped) for window in windows)


def test_crop_draws_every_shift_equally_often() -> None:
    x = torch.zeros(9000, 1, 5, 5)
    x[:, :, 2, 2] = 1
    share = rand_crop(x, 1, seeded(0)).mean((0, 1))
    assert share[1:4, 1:4].sum().item() == pytest.approx(1)
    torch.testing.assert_close(share[1:4, 1:4], torch.full((3, 3), 1 / 9), atol=0.02, rtol=0)


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_flip_mirrors_each_image_with_its_probability(p: float) -> None:
    x = torch.rand(3000, 2, 3, 4, generator=seeded(0))
    out = rand_flip(x, p, seeded(1))
    same, mirrored = ((out == other).flatten(1).all(1) for other in (x, x.flip(3)))
    assert (same ^ mirrored).all()
    assert mirrored.float().mean().item() == pytest.approx(p, abs=0.03)


@pytest.mark.parametrize(
    ("module", "f"),
    [
        (RandErase(0.4, 2), lambda x, g: rand_erase(x, 0.4, 2, g)),
        (RandCopy(0.4, 2), lambda x, g: rand_copy(x, 0.4, 2, g)),
        (RandCrop(2), lambda x, g: rand_crop(x, 2, g)),
        (RandFlip(0.4), lambda x, g: rand_flip(x, 0.4, g)),
    ],
    ids=["erase", "copy", "crop", "flip"],
)
def test_modules_are_the_functions(module: nn.Module, f: Callable[[Tensor, Generator | None], Tensor]) -> None:
    x = images((6, 1, 9, 9), 0)
    torch.manual_seed(5)
    with_torchs = module.eval()(x)
    torch.manual_seed(5)
    assert torch.equal(with_torchs, f(x, None))
    vars(module)["generator"] = seeded(3)
    assert torch.equal(module(x), f(x, seeded(3)))
    assert "=" in repr(module)


@pytest.mark.parametrize("f", FUNCTIONS)
def test_what_is_no_batch_of_floating_images_is_refused(f: Callable[..., Tensor]) -> None:
    for x in (torch.rand(3, 8, 8), torch.zeros(2, 1, 8, 8, dtype=torch.uint8)):
        with pytest.raises(UsageError, match=r"floating images \(batch, channels, height, width\), not torch\."):
            f(x)


def test_settings_that_make_no_sense_are_refused() -> None:
    x = torch.rand(2, 1, 4, 4)
    for f in (rand_erase, rand_copy):
        with pytest.raises(UsageError, match="pct must be from 0 to 1"):
            f(x, 1.5)
        with pytest.raises(UsageError, match="max_num 0 or more"):
            f(x, 0.5, -1)
    with pytest.raises(UsageError, match="padding must be 0 or more"):
        rand_crop(x, -1)
    with pytest.raises(UsageError, match="p is a probability"):
        rand_flip(x, 2)


def test_an_empty_batch_stays_empty() -> None:
    for f in FUNCTIONS:
        assert f(torch.rand(0, 1, 4, 4)).shape == (0, 1, 4, 4)


def test_every_name_of_the_course_is_there() -> None:
    wanted = {"CapturePreds", "rand_erase", "RandErase", "rand_copy", "RandCopy"}
    assert wanted | {"summary", "show_image_batch", "capture_preds"} <= set(augment.__all__)
