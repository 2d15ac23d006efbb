"""What a loader process does, done in this process: messages in, messages out."""

from __future__ import annotations

import random
from multiprocessing import Pipe
from typing import Any

import numpy as np
import pytest
import torch

from miniai.scratch.transport import pack, unpack
from miniai.scratch.worker import STOP, Failed, Loaded, Task, serve
from tests.miniai.scratch.items import Lost, Noise, Squares, as_list, sum_of


def answers(ds: Any, collate_fn: Any, *tasks: Task) -> list[Any]:
    """All that the process says when it is sent the dataset, these tasks and the end."""
    ours, theirs = Pipe()
    with ours, theirs:
        for message in (pack((ds, collate_fn)), *map(pack, tasks), STOP):
            ours.send_bytes(message)
        serve(theirs)
        said = []
        while ours.poll():
            said.append(unpack(ours.recv_bytes()))
    return said


def test_it_says_that_it_is_ready_then_answers_each_task() -> None:
    said = answers(Squares(9), sum_of, Task([1, 2], 0), Task([3], 0))
    assert said == [None, Loaded(5), Loaded(9)]


def test_what_fails_is_named_and_the_next_batch_goes_on() -> None:
    ready, item, batch, unsendable, fine = answers(
        Squares(9, bad=2, unsendable=5), as_list, Task([1, 2, 3], 0), Task([9, 8, 7, 6, "x"], 0), Task([5], 0),
        Task([1], 0),
    )  # fmt: skip
    assert (ready, fine) == (None, Loaded([1]))
    assert (item.where, item.error) == ("item 2", "ValueError: the file of item 2 is broken\nin its second line")
    assert "__getitem__" in item.trace
    assert isinstance(batch, Failed)
    assert batch.where == "item 'x'"
    assert unsendable.where == "a batch, on its way back from another process,"


def test_a_batch_that_cannot_be_collated_names_its_items() -> None:
    _, failed = answers(Squares(9), sum_of, Task([0, 0, 0, 0, 0], 0))
    assert failed.where == "the batch of the items 0, 0, 0, 0, ... (5 items)"
    assert failed.error == "ZeroDivisionError: nothing to add"


def test_a_dataset_that_does_not_arrive_is_told() -> None:
    (failed,) = answers(Lost(3), as_list)
    assert failed.where == "the dataset, on its way to another process,"
    assert failed.error == "OSError: no such archive"


class All:
    """Items are random numbers of each kind."""

    def __getitem__(self, i: int) -> tuple[float, float, float]:
        return random.random(), float(np.random.rand()), torch.rand(1).item()


@pytest.fixture(autouse=True)
def _keep_random_state() -> Any:
    states = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        yield
    random.setstate(states[0])
    np.random.set_state(states[1])


def test_a_batchs_random_numbers_follow_from_its_seed_alone() -> None:
    _, first, second, again = answers(All(), as_list, Task([0, 1], 2**63), Task([0, 1], 6), Task([0, 1], 2**63))
    assert first == again
    assert all(
        a != b for one, other in zip(first.batch, second.batch, strict=True) for a, b in zip(one, other, strict=True)
    )
    assert answers(Noise(), as_list, Task([0, 1], 6))[1] != first
