"""Residual blocks: both ways of one size, the short way alone at first."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from miniai.errors import UsageError
from miniai.init import GeneralRelu
from miniai.resnet import ResBlock, act_gr, make_resnet

numbers = st.integers(1, 4)


@settings(max_examples=40, deadline=None)
@given(numbers, numbers, numbers, st.sampled_from([1, 3, 5, 7]), st.integers(1, 17), st.integers(1, 17), st.booleans())
def test_a_block_divides_the_image_by_its_stride(
    ni: int, nf: int, stride: int, ks: int, high: int, wide: int, norm: bool
) -> None:
    block = ResBlock(ni, nf, stride, ks, norm=nn.BatchNorm2d if norm else None)
    x = torch.rand(2, ni, high, wide)
    assert block.eval()(x).shape == (2, nf, -(-high // stride), -(-wide // stride))


def test_the_short_way_is_the_input_itself_where_it_can_be() -> None:
    assert isinstance(ResBlock(4, 4).idconv, nn.Identity)
    assert isinstance(ResBlock(4, 4).pool, nn.Identity)
    strided = ResBlock(4, 8, stride=2)
    assert isinstance(strided.pool, nn.AvgPool2d)
    assert [type(m) for m in strided.idconv.children()] == [nn.Conv2d]
    assert strided.idconv[0].kernel_size == (1, 1)  # type: ignore[index]


def test_with_a_norm_a_block_begins_as_its_short_way() -> None:
    x = torch.randn(3, 2, 6, 6)
    block = ResBlock(2, 2, stride=2, act=nn.ReLU, norm=nn.BatchNorm2d)
    by_hand = x.unfold(2, 2, 2).unfold(3, 2, 2).mean((-1, -2)).relu()
    torch.testing.assert_close(block(x), by_hand)
    plain = ResBlock(2, 2, stride=2, act=nn.ReLU)
    assert not torch.allclose(plain(x), by_hand)


def test_a_block_is_the_sum_of_both_ways() -> None:
    block = ResBlock(2, 3, stride=2, norm=nn.BatchNorm2d).eval()
    nn.init.ones_(block.convs[-1][-1].weight)  # type: ignore[index]
    x = torch.randn(3, 2, 6, 6)
    first, last = block.convs
    wanted = last(first(x)) + block.idconv(nn.functional.avg_pool2d(x, 2))
    torch.testing.assert_close(block(x), GeneralRelu(0.1, 0.4)(wanted))
    kinds = [type(m) for m in block.convs.modules() if not list(m.children())]
    assert kinds == [nn.Conv2d, nn.BatchNorm2d, GeneralRelu, nn.Conv2d, nn.BatchNorm2d]
    assert repr(act_gr()) == "GeneralRelu(leak=0.1, sub=0.4)"


def test_a_norm_without_a_weight_and_an_even_kernel() -> None:
    ResBlock(2, 2, norm=lambda nf: nn.BatchNorm2d(nf, affine=False))(torch.rand(2, 2, 4, 4))
    with pytest.raises(UsageError, match="odd kernel size, not 4"):
        ResBlock(2, 2, ks=4)


def test_a_net_drops_only_while_it_trains_and_is_the_same_for_the_same_seed() -> None:
    nets = []
    for _ in range(2):
        torch.manual_seed(7)
        nets.append(make_resnet(3, 5, (4, 8), drop=0.5))
    x = torch.rand(6, 3, 9, 11)
    one, two = nets
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert torch.equal(one.eval()(x), two.eval()(x))
    assert not torch.equal(one.train()(x), two.train()(x))
    assert [m.p for m in one.modules() if isinstance(m, (nn.Dropout, nn.Dropout2d))] == [0.5, 0.5]
