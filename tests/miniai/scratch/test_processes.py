"""The loader with several processes: in order, really at once, and every failure told."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

from miniai.errors import DataError, UsageError
from miniai.scratch import BatchSampler, ProcessLoader, Sampler
from miniai.scratch.crew import Crew
from miniai.scratch.link import InWorker, Link
from miniai.scratch.transport import pack
from miniai.scratch.worker import Task
from tests.miniai.scratch.items import Endless, Lost, Meeting, Noise, Squares, Stubborn, as_list


def loader(ds: Any, bs: int = 2, **options: Any) -> ProcessLoader:
    return ProcessLoader(ds, BatchSampler(Sampler(ds), bs), collate_fn=as_list, **options)


def processes() -> list[Any]:
    return [p for p in multiprocessing.active_children() if p.name == "loader"]


def left_behind() -> list[Any]:
    """Loader processes, and the threads that attend to them."""
    return processes() + [t for t in threading.enumerate() if t.name == "loader"]


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    assert left_behind() == []
    yield
    gc.collect()
    assert left_behind() == []


@pytest.mark.parametrize("n_workers", [1, 3])
def test_batches_come_in_order_and_the_processes_are_gone_at_the_end(n_workers: int) -> None:
    dl = loader(Squares(7), n_workers=n_workers)
    assert len(dl) == 4
    seen = []
    for batch in dl:
        seen.append(batch)
        assert len(processes()) == n_workers
    assert left_behind() == []
    assert seen == [[0, 1], [4, 9], [16, 25], [36]]


def test_two_items_are_loaded_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    first, second = loader(Meeting(tmp_path / "pipe"), bs=1)
    assert (first[0][0], second[0][0]) == (0, 1)
    assert len({first[0][1], second[0][1], os.getpid()}) == 3


def test_no_more_processes_than_batches_and_none_for_nothing() -> None:
    dl = iter(loader(Squares(3), n_workers=5))
    next(dl)
    assert len(processes()) == 2
    assert list(dl) == [[4]]
    assert list(loader(Squares(0))) == []


FAILURES = {
    "item": (
        Squares(9, bad=5),
        "item 5 could not be loaded: ValueError: the file of item 5 is broken\nin its second line",
    ),
    "killed": (
        Squares(9, killed=5),
        "killed by SIGKILL while it loaded the items 4, 5: the machine may be out of memory",
    ),
    "quits": (Squares(9, quits=5), r"ended by itself \(exit code 7\) while it loaded the items 4, 5"),
    "batch": (Squares(9, unsendable=5), "a batch, on its way back from another process, could not be loaded"),
    "arrival": (
        Lost(9),
        "the dataset, on its way to another process, could not be loaded: OSError: no such archive",
    ),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_is_raised_at_its_batch(name: str) -> None:
    ds, text = FAILURES[name]
    seen: list[Any] = []
    with pytest.raises(DataError, match=text) as caught:
        seen.extend(loader(ds))
    assert left_behind() == []
    assert seen == ([] if name == "arrival" else [[0, 1], [4, 9]])
    if name not in ("killed", "quits"):
        assert isinstance(caught.value.__cause__, InWorker)
        assert "Traceback" in str(caught.value.__cause__)


def test_a_dataset_that_cannot_be_sent_is_refused_at_once() -> None:
    with pytest.raises(DataError, match="cannot be sent to other processes"):
        next(iter(loader([lambda: 1])))


def test_a_process_that_is_killed_between_two_batches_is_noticed() -> None:
    dl = iter(loader(Squares(40), n_workers=1, prefetch=1))
    next(dl)
    os.kill(processes()[0].pid, signal.SIGKILL)
    with pytest.raises(DataError, match="killed by SIGKILL"):
        list(dl)


@pytest.mark.parametrize("how", ["break", "raise", "close", "throw away"])
def test_leaving_early_ends_the_processes_whatever_they_do(how: str, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    os.mkfifo(begun)

    def leave() -> None:
        batches = iter(loader(Endless(begun), bs=1))
        for batch in batches:
            assert batch == [0]
            with open(begun, "rb"):  # waits until item 1 has begun
                assert len(processes()) == 2
            if how == "raise":
                raise ZeroDivisionError
            if how == "close":
                batches.close()  # type: ignore[attr-defined]
                assert left_behind() == []
            if how != "throw away":
                break
            del batches
            return

    with contextlib.suppress(ZeroDivisionError):
        leave()
    assert left_behind() == []


def test_persistent_processes_stay_until_they_are_closed() -> None:
    with loader(Squares(8), persistent=True) as dl:
        assert processes() == []
        expected = [[0, 1], [4, 9], [16, 25], [36, 49]]
        assert list(dl) == expected
        pids = {p.pid for p in processes()}
        assert len(pids) == 2
        assert list(dl) == expected
        assert {p.pid for p in processes()} == pids
        for _ in dl:
            break  # what they are doing is of no use any more: they are ended
        assert processes() == []
        assert list(dl) == expected
        assert len(processes()) == 2
    assert left_behind() == []
    assert list(dl) == expected
    dl.close()
    dl.close()


def test_persistent_processes_end_with_their_loader() -> None:
    dl = loader(Squares(4), persistent=True)
    list(dl)
    assert len(processes()) == 2
    del dl


def test_two_epochs_at_once() -> None:
    dl = loader(Squares(4), persistent=True, n_workers=1)
    assert [a + b for a, b in zip(dl, dl, strict=True)] == [[0, 1, 0, 1], [4, 9, 4, 9]]
    assert len(processes()) == 1


class Counted:
    """A batch sampler that counts what is drawn from it."""

    drawn = 0

    def __len__(self) -> int:
        return 20

    def __iter__(self) -> Iterator[list[int]]:
        for i in range(20):
            self.drawn += 1
            yield [i]


@pytest.mark.parametrize(("n_workers", "prefetch"), [(1, 1), (2, 3)])
def test_no_more_is_loaded_ahead_than_said(n_workers: int, prefetch: int) -> None:
    counted = Counted()
    batches = iter(ProcessLoader(Squares(20), counted, n_workers, as_list, prefetch=prefetch))
    assert counted.drawn == 0
    for k in range(1, 6):
        next(batches)
        assert counted.drawn == k + n_workers * prefetch


def test_random_numbers_of_items_depend_on_the_seed_and_not_on_the_processes() -> None:
    def draws(seed: int, n_workers: int) -> list[Any]:
        torch.manual_seed(seed)
        return list(loader(Noise(), n_workers=n_workers))

    assert draws(1, 1) == draws(1, 3)
    assert draws(1, 1) != draws(2, 1)
    batches = draws(1, 1)
    assert len({str(batch) for batch in batches}) == len(batches)


def test_an_epoch_takes_of_the_global_generator_what_torchs_takes() -> None:
    torch.manual_seed(4)
    for _ in DataLoader(range(6), 2):  # type: ignore[arg-type]
        pass
    expected = torch.get_rng_state()
    torch.manual_seed(4)
    list(loader(Squares(6), n_workers=1))
    assert torch.equal(torch.get_rng_state(), expected)


def test_wrong_numbers_are_refused() -> None:
    for options in ({"n_workers": 0}, {"prefetch": 0}):
        with pytest.raises(UsageError, match="at least 1"):
            loader(Squares(2), **options)


def test_an_abandoned_crew_tells_those_who_wait(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    os.mkfifo(begun)
    crew = Crew(pack((Endless(begun), as_list)), 1)
    running, waiting = crew.submit(Task([1], 0)), crew.submit(Task([0], 0))
    with open(begun, "rb"):
        crew.abandon()
    assert waiting.cancelled()
    with pytest.raises(DataError, match="killed by SIGTERM while it loaded the items 1"):
        running.result(timeout=10)
    crew.abandon()


def test_a_process_that_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("miniai.scratch.crew.GRACE", 0.05)
    begun = tmp_path / "begun"
    os.mkfifo(begun)
    crew = Crew(pack((Stubborn(begun), as_list)), 1)
    running = crew.submit(Task([1], 0))
    with open(begun, "rb"):
        crew.abandon()
    with pytest.raises(DataError, match="killed by SIGKILL"):
        running.result(timeout=10)


def test_if_one_process_cannot_be_started_none_is(monkeypatch: pytest.MonkeyPatch) -> None:
    links: list[Link] = []

    def link() -> Link:
        if links:
            raise OSError("too many processes")
        links.append(Link())
        return links[0]

    monkeypatch.setattr("miniai.scratch.crew.Link", link)
    with pytest.raises(OSError, match="too many processes"):
        list(loader(Squares(9)))
    assert left_behind() == []


def test_a_forks_copy_of_a_crew_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    crew = Crew(pack((Squares(9), as_list)), 1)
    with monkeypatch.context() as fork:
        fork.setattr(os, "getpid", lambda: 1)
        crew.abandon()
    assert crew.submit(Task([2], 0)).result().batch == [4]
    crew.dismiss()
