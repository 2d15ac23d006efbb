"""Module finds what torch.nn.Module finds, and offers what training needs."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import Parameter

from miniai.errors import LearnerError
from miniai.scratch import Linear, Module, ReLU, Sequential
from miniai.scratch.modules import Part


class Theirs(nn.Module):
    """Takes whatever is set."""


class Ours(Module):
    """The same, and without `super().__init__()`."""

    def __init__(self) -> None:
        self.note = "not a part"


# One step in the making of a tree of modules: which node, which of its attributes, and what is set there.
STEPS = st.lists(
    st.tuples(
        st.integers(0, 6),
        st.sampled_from("abcdef"),
        st.sampled_from(
            [*["node", "shared node", "shared parameter"] * 3, *["parameter", "torch"] * 2, "none", "delete"],
        ),
        st.integers(0, 6),
    ),
    max_size=30,
)
# Nodes 1 and 2 are parts of 0, node 3 and a parameter are parts of both.
DIAMOND = [
    (0, "b", "node", 0), (0, "a", "node", 0), (1, "x", "node", 0), (2, "y", "shared node", 3),
    (3, "p", "parameter", 0), (2, "q", "shared parameter", 0), (0, "r", "shared parameter", 0),
]  # fmt: skip


def twins(steps: list[tuple[int, str, str, int]]) -> tuple[Theirs, Ours]:
    """The same tree twice; leaves and parameters are the same objects in both. Later nodes are parts of earlier."""
    nodes: list[tuple[Any, Any, int]] = [(Theirs(), Ours(), 0)]
    parameters: list[Parameter] = []
    for where, name, what, which in steps:
        theirs, ours, _ = nodes[where % len(nodes)]
        mine: Any = None
        if what == "delete":
            if hasattr(theirs, name):
                delattr(theirs, name)
                delattr(ours, name)
            continue
        if what == "none" and not hasattr(theirs, name):
            continue  # torch then keeps a plain None
        if what == "node":
            nodes.append((Theirs(), Ours(), len(nodes)))
            mine = nodes[-1]
        elif what == "shared node":
            mine = nodes[which % len(nodes)]
            if mine[2] <= where % len(nodes):
                continue  # no circles
        elif what == "torch":
            leaf = nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1))
            mine = (leaf, leaf)
        elif what == "parameter" or (what == "shared parameter" and not parameters):
            parameters.append(Parameter(torch.zeros(1)))
            mine = (parameters[-1], parameters[-1])
        elif what == "shared parameter":
            mine = (parameters[which % len(parameters)],) * 2
        try:
            setattr(theirs, name, None if mine is None else mine[0])
        except TypeError:
            continue  # torch refuses a module where a parameter was
        setattr(ours, name, None if mine is None else mine[1])
    return nodes[0][0], nodes[0][1]


@settings(max_examples=200, deadline=None)
@given(STEPS)
@example(DIAMOND)
def test_the_same_parameters_and_modules_in_the_same_order_as_torch(steps: list[tuple[int, str, str, int]]) -> None:
    theirs, ours = twins(steps)
    assert [(n, id(p)) for n, p in ours.named_parameters()] == [(n, id(p)) for n, p in theirs.named_parameters()]
    assert [id(p) for p in ours.parameters()] == [id(p) for p in theirs.parameters()]
    assert [n for n, _ in ours.named_modules()] == [n for n, _ in theirs.named_modules()]
    assert len(list(ours.modules())) == len(list(theirs.modules()))
    assert [n for n, _ in ours.named_children()] == [n for n, _ in theirs.named_children()]
    assert len(list(ours.children())) == len(list(theirs.children()))
    assert list(ours.state_dict()) == list(theirs.state_dict())
    theirs_order: list[str] = []
    ours_order: list[str] = []
    theirs.apply(lambda m: theirs_order.append(type(m).__name__))
    ours.apply(lambda m: ours_order.append(type(m).__name__))
    assert ours_order == [name.replace("Theirs", "Ours") for name in theirs_order]
    ours.eval()
    assert not any(m.training for m in ours.modules())
    ours.train()
    assert all(m.training for m in ours.modules())


class Net(Module):
    """One part of each kind."""

    def __init__(self) -> None:
        self.scale = Parameter(torch.ones(3))
        self.first = Linear(4, 3)
        self.norm = nn.BatchNorm1d(3)
        self.act = ReLU()

    def forward(self, x: Tensor) -> Any:
        return self.act(self.norm(self.first(x))) * self.scale


def test_repr_shows_the_parts() -> None:
    def double(x: Tensor) -> Tensor:
        return 2 * x

    net = Net()
    assert repr(net.first) == "Linear(4, 3)"
    assert repr(Sequential(net.first, double, nn.ReLU(), torch.flatten)) == (
        "Sequential(\n  (0): Linear(4, 3)\n  (1): double\n  (2): ReLU()\n  (3): flatten\n)"
    )
    lines = repr(Sequential(net, ReLU())).splitlines()
    assert lines[:3] == ["Sequential(", "  (0): Net(", "    (first): Linear(4, 3)"]
    assert lines[-3:] == ["  )", "  (1): ReLU()", ")"]


def test_assigning_something_else_or_deleting_takes_a_part_out() -> None:
    net = Net()
    net.first = None  # type: ignore[assignment]
    del net.norm
    net.scale = 2.0  # type: ignore[assignment]
    assert list(net.named_parameters()) == []
    assert [n for n, _ in net.named_modules()] == ["", "act"]
    with pytest.raises(AttributeError):
        net.norm  # noqa: B018
    with pytest.raises(AttributeError):
        del net.norm


def test_a_module_without_forward_says_what_to_do() -> None:
    with pytest.raises(LearnerError, match=r"Ours computes nothing: write its method forward"):
        Ours()(torch.ones(1))


def test_hooks_are_called_in_order_and_may_replace_the_output() -> None:
    seen: list[Any] = []

    def note(module: Part, inputs: tuple[Any, ...], output: Tensor) -> None:
        seen.append((type(module), [tuple(x.shape) for x in inputs], output.sum().item()))

    relu = ReLU()
    first = relu.register_forward_hook(note)
    second = relu.register_forward_hook(lambda m, inputs, output: output + 1)
    third = relu.register_forward_hook(note)
    assert relu(torch.tensor([-1.0, 2.0])).tolist() == [1, 3]
    assert seen == [(ReLU, [(2,)], 2.0), (ReLU, [(2,)], 4.0)]
    for handle in (first, second, second):
        handle.remove()
    assert relu(torch.tensor([5.0])).tolist() == [5]
    assert len(seen) == 3
    third.remove()
    relu(torch.ones(1))
    assert len(seen) == 3


def test_a_hook_may_remove_itself_while_it_runs() -> None:
    relu = ReLU()
    handle = relu.register_forward_hook(lambda *_: handle.remove())
    relu(torch.ones(1))
    relu(torch.ones(1))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))], ids=["copy", "pickle"])
def test_copies_share_nothing(copied: Callable[[Net], Net]) -> None:
    net = Net()
    other = copied(net)
    assert [n for n, _ in other.named_parameters()] == [n for n, _ in net.named_parameters()]
    assert other.first.weight is dict(other.named_parameters())["first.weight"]
    assert not {id(p) for p in other.parameters()} & {id(p) for p in net.parameters()}
    other.scale.data.zero_()
    assert net.scale.tolist() == [1, 1, 1]


def test_weights_go_to_a_twin_and_only_to_a_twin() -> None:
    torch.manual_seed(0)
    net, other = Net(), Net()
    net(torch.rand(5, 4))  # changes the norm's buffers
    other.load_state_dict({name: tensor.clone() for name, tensor in net.state_dict().items()})
    x = torch.rand(2, 4)
    assert torch.equal(net.eval()(x), other.eval()(x))
    with pytest.raises(LearnerError, match=r"another model: .*first.bias.* is only in one"):
        Sequential(ReLU()).load_state_dict(net.state_dict())
    with pytest.raises(LearnerError, match=r"scale is \(3,\) here but \(2,\) in the weights"):
        net.load_state_dict({**net.state_dict(), "scale": torch.ones(2)})


def test_to_keeps_the_parameters_and_takes_all_along() -> None:
    net = Net()
    before = list(net.parameters())
    net(torch.rand(3, 4)).sum().backward()
    assert net.to(torch.float64) is net
    assert all(a is b for a, b in zip(before, net.parameters(), strict=True))
    assert {p.dtype for p in net.parameters()} == {torch.float64}
    assert {p.grad.dtype for p in net.parameters() if p.grad is not None} == {torch.float64}
    assert net(torch.rand(3, 4, dtype=torch.float64)).dtype == torch.float64


def test_buffers_are_those_of_torchs_parts_each_once() -> None:
    class Mixed(Module):
        def __init__(self) -> None:
            self.own, self.norm = Linear(2, 3), nn.BatchNorm1d(3)
            self.deep = nn.Sequential(self.norm, nn.BatchNorm1d(3, affine=False))
            self.deep[1].register_buffer("again", self.norm.running_mean)

    ours, theirs = Mixed(), nn.Module()
    theirs.own, theirs.norm, theirs.deep = nn.Linear(2, 3), ours.norm, ours.deep
    assert [(name, id(b)) for name, b in ours.named_buffers()] == [(name, id(b)) for name, b in theirs.named_buffers()]
    assert [id(b) for b in ours.buffers()] == [id(b) for b in theirs.buffers()]
    assert list(ours.buffers(recurse=False)) == []
    assert [p.shape for p in ours.own.parameters(recurse=False)] == [(3, 2), (3,)]
    assert list(ours.parameters(recurse=False)) == []
