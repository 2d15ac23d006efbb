"""Hugging Face data: dictionaries become tuples, splits become loaders, transforms run."""

from __future__ import annotations

import pickle
from typing import Any

import datasets
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.data import DataLoader, RandomSampler, default_collate

from miniai.datasets import DataLoaders, collate_dict, inplace
from miniai.errors import DataError, LearnerError, UsageError
from miniai.learner import Learner, TrainCB


@inplace
def doubled(batch: dict[str, Any]) -> None:
    """A transform at the top of a module, as a loader's process that is not forked finds it."""
    batch["x"] = [torch.tensor(x) * 2 for x in batch["x"]]


def halved(batch: dict[str, Any]) -> None:
    batch["x"] = [torch.tensor(x) / 2 for x in batch["x"]]


def numbers(n: int, start: int = 0) -> datasets.Dataset:
    """Rows x, y, z of `n` items, with y ten times and z a hundred times x."""
    x = list(range(start, start + n))
    return datasets.Dataset.from_dict({"x": x, "y": [10 * i for i in x], "z": [100 * i for i in x]})


def splits(*names: str, n: int = 7) -> datasets.DatasetDict:
    return datasets.DatasetDict({name: numbers(n, 1000 * i) for i, name in enumerate(names)})


def firsts(loader: Any) -> list[int]:
    """The first column of all batches."""
    return [int(x) for batch in loader for x in batch[0]]


# inplace


def test_inplace_returns_the_argument_and_keeps_the_name() -> None:
    batch: dict[str, Any] = {"x": [1, 2]}
    assert doubled(batch) is batch
    assert batch["x"] == [2, 4]
    assert doubled.__name__ == "doubled"
    assert str(doubled.__doc__).startswith("A transform")
    emptied = inplace(dict[str, Any].clear)
    assert emptied(batch) is batch
    assert batch == {}


def test_inplace_reaches_another_process_as_decorator_and_as_call() -> None:
    assert pickle.loads(pickle.dumps(doubled)) is doubled
    assert pickle.loads(pickle.dumps(inplace(halved)))({"x": [4]}) == {"x": [2]}


# collate_dict


@settings(max_examples=60, deadline=None)
@given(names=st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6, unique=True), n=st.integers(1, 5))
def test_a_batch_is_a_tuple_in_the_order_of_the_features(names: list[str], n: int) -> None:
    """One feature too: a bare tensor would be taken apart into its items by whoever unpacks the batch."""
    ds = datasets.Dataset.from_dict({name: [[i, ord(name)] for i in range(n)] for name in names})
    items: list[Any] = [dict(reversed(ds[i].items())) for i in range(n)]
    batch = collate_dict(ds)(items)
    assert isinstance(batch, tuple)
    expected = default_collate(items)
    assert len(batch) == len(names)
    for got, name in zip(batch, names, strict=True):
        assert [part.tolist() for part in got] == [part.tolist() for part in expected[name]]


def test_columns_that_the_format_leaves_out_are_left_out() -> None:
    ds = numbers(3)
    for chosen, expected in (
        (ds.with_format("torch", columns=["z", "x"]), [[0, 1, 2], [0, 100, 200]]),
        (ds.with_format("torch", columns=["z"], output_all_columns=True), [[0, 1, 2], [0, 10, 20], [0, 100, 200]]),
        (ds.with_format("torch"), [[0, 1, 2], [0, 10, 20], [0, 100, 200]]),
        (ds.select_columns(["y"]), [[0, 10, 20]]),
    ):
        batch = collate_dict(chosen)(chosen.__getitems__([0, 1, 2]))
        assert [part.tolist() for part in batch] == expected


def test_nested_values_and_plain_lists_of_dictionaries() -> None:
    items = [{"a": {"b": i, "c": torch.ones(2) * i}, "d": [i, -i]} for i in range(3)]
    (a, d) = collate_dict(items)(items)
    assert a["b"].tolist() == [0, 1, 2]
    assert a["c"].shape == (3, 2)
    assert [part.tolist() for part in d] == [[0, 1, 2], [0, -1, -2]]


def test_what_cannot_be_collated_is_named() -> None:
    ds = numbers(2)
    with pytest.raises(DataError, match=r"no feature 'y' but 'x', 'w': a transform must keep.*as_tuple=False"):
        collate_dict(ds)([{"x": 1, "y": 2, "z": 3}, {"x": 1, "w": 2}])
    with pytest.raises(DataError, match=r"feature 'x' cannot be made a batch of \(.*NoneType"):
        collate_dict(ds)([{"x": None, "y": 2, "z": 3}])
    with pytest.raises(DataError, match=r"feature 'y' .*one shape"):
        collate_dict(ds)([{"x": 1, "y": torch.ones(i), "z": 3} for i in (1, 2)])
    with pytest.raises(DataError, match="an item is a tuple"):
        collate_dict(ds)([(1, 2)])  # type: ignore[list-item]
    nameless: Any
    for nameless in ([], [(1, 2)], 3, iter([])):
        with pytest.raises(DataError, match=f"{type(nameless).__name__} does not tell its features"):
            collate_dict(nameless)


# DataLoaders


def test_loaders_by_name() -> None:
    a, b, c = [(1,)], [(2,)], [(3,)]
    assert (DataLoaders(a, b).train, DataLoaders(a, b).valid, DataLoaders(a, b).test) == (a, b, None)
    assert DataLoaders(a, b, c).test is c
    for wrong in ((), (a, a, a, a)):
        with pytest.raises(UsageError, match=f"not {len(wrong)} of them"):
            DataLoaders(*wrong)


def test_one_loader_trains_without_validation_and_says_so_if_asked() -> None:
    dls = DataLoaders([(torch.ones(2, 1), torch.ones(2, 1))])
    assert dls.valid is None
    learn = Learner(nn.Linear(1, 1), dls, cbs=TrainCB())
    with pytest.raises(LearnerError, match=r"no loader called valid: .*fit\(valid=False\)"):
        learn.fit(1)
    assert learn.steps == 0
    learn.fit(1, valid=False)
    assert learn.steps == 1


@pytest.mark.parametrize(
    ("names", "train", "valid", "test"),
    [
        ("train test", 0, 1, None),
        ("test train", 1, 0, None),
        ("train validation test", 0, 1, 2),
        ("test train validation", 1, 2, 0),
        ("train test valid", 0, 2, 1),
        ("training dev", 0, 1, None),
        ("train unsupervised test", 0, 2, None),
        ("train holdout", 0, 1, None),
        ("train", 0, None, None),
    ],
)
def test_splits_are_found_by_their_names(names: str, train: int, valid: int | None, test: int | None) -> None:
    dls = DataLoaders.from_dd(splits(*names.split()), 4)
    for loader, place in ((dls.train, train), (dls.valid, valid), (dls.test, test)):
        assert (loader is None) == (place is None)
        if place is not None:
            assert sorted(firsts(loader)) == [1000 * place + i for i in range(7)]


def test_only_training_is_shuffled_and_validation_has_batches_twice_as_large() -> None:
    dls = DataLoaders.from_dd(splits("train", "validation", "test", n=64), 8)
    assert [len(batch[0]) for batch in dls.train] == [8] * 8
    assert firsts(dls.train) != firsts(dls.train)
    assert sorted(firsts(dls.train)) == list(range(64))
    for loader, start in ((dls.valid, 1000), (dls.test, 2000)):
        assert [len(batch[0]) for batch in loader] == [16] * 4
        assert firsts(loader) == [start + i for i in range(64)]


def test_the_order_is_that_of_torchs_own_loader() -> None:
    dd = splits("train", n=50)
    torch.manual_seed(5)
    ours = firsts(DataLoaders.from_dd(dd, 8).train)
    torch.manual_seed(5)
    theirs = [int(x) for batch in DataLoader(range(50), 8, shuffle=True) for x in batch]  # type: ignore[arg-type]
    assert ours == theirs


def test_dictionaries_on_request() -> None:
    dls = DataLoaders.from_dd(splits("train", "test"), 4, as_tuple=False, shuffle=False)
    first = next(iter(dls.train))
    assert {name: value.tolist() for name, value in first.items()} == {
        "x": [0, 1, 2, 3], "y": [0, 10, 20, 30], "z": [0, 100, 200, 300],
    }  # fmt: skip


def test_any_mapping_from_names_to_datasets_will_do() -> None:
    items = [{"a": torch.tensor(float(i)), "b": i} for i in range(6)]
    dls = DataLoaders.from_dd({"train": items[:4], "valid": items[4:]}, 3)
    assert sorted(firsts(dls.train)) == [0, 1, 2, 3]
    assert [batch[1].tolist() for batch in dls.valid] == [[4, 5]]


def test_validation_takes_the_order_of_trainings_features() -> None:
    turned = numbers(2).select_columns(["z", "y", "x"])
    dls = DataLoaders.from_dd({"train": numbers(2, 5), "valid": turned}, 2)
    assert [part.tolist() for part in next(iter(dls.valid))] == [[0, 1], [0, 10], [0, 100]]


def test_keyword_arguments_reach_torch_and_those_of_the_order_only_training() -> None:
    dd = splits("train", "test")
    sampler = RandomSampler(range(7), replacement=True, num_samples=20)
    dls = DataLoaders.from_dd(dd, 4, drop_last=True, timeout=0, collate_fn=len)
    assert (list(dls.train), list(dls.valid)) == ([4], [7])
    dls = DataLoaders.from_dd(dd, 4, sampler=sampler)
    assert (len(firsts(dls.train)), len(firsts(dls.valid))) == (20, 7)
    dls = DataLoaders.from_dd(dd, 4, batch_sampler=[[3, 1], [0]])
    assert (firsts(dls.train), len(firsts(dls.valid))) == ([3, 1, 0], 7)
    with pytest.raises(TypeError, match="numworkers"):
        DataLoaders.from_dd(dd, 4, numworkers=2)


def test_a_streamed_dataset_comes_in_its_own_order() -> None:
    dd = {name: ds.to_iterable_dataset() for name, ds in splits("train", "test").items()}
    dls = DataLoaders.from_dd(dd, 4)
    assert firsts(dls.train) == list(range(7))
    assert firsts(dls.valid) == list(range(1000, 1007))


def test_wrong_splits_are_named() -> None:
    with pytest.raises(DataError, match="no split is called 'train', only 'a', 'b'"):
        DataLoaders.from_dd(splits("a", "b"), 4)
    with pytest.raises(DataError, match="None of 'a', 'b' is called 'validation', 'valid'"):
        DataLoaders.from_dd(splits("train", "a", "b"), 4)
    with pytest.raises(DataError, match="not Dataset"):
        DataLoaders.from_dd(numbers(2), 4)
    with pytest.raises(DataError, match="training split is empty"):
        DataLoaders.from_dd({"train": numbers(0)}, 4)
    with pytest.raises(UsageError, match="at least 1, not 0"):
        DataLoaders.from_dd(splits("train"), 0)


# transforms


@pytest.mark.parametrize("transform", [doubled, inplace(halved)])
def test_a_pipeline_of_transforms(transform: Any) -> None:
    dd = splits("train", "test").with_transform(transform)
    factor = 2 if transform is doubled else 0.5
    for _, y, z in DataLoaders.from_dd(dd, 4).train:
        assert torch.equal(y * 10, z)
    x, y, _ = next(iter(DataLoaders.from_dd(dd, 4).valid))
    assert torch.equal(x * 10, y * factor)


def test_a_pipeline_in_processes_of_their_own() -> None:
    """Spawned ones: a fork of a process with threads may hang."""
    ds = numbers(12).with_transform(doubled)
    dls = DataLoaders.from_dd({"train": ds}, 4, num_workers=1, multiprocessing_context="spawn")
    x = sorted(firsts(dls.train))
    assert x == [2 * i for i in range(12)]
