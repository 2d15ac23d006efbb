"""The catalog: names, errors, and the contract that every dataset's module keeps."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path

import pytest

from miniai import catalog
from miniai.errors import DataError, UsageError


def test_the_helpers_of_the_folder_are_no_datasets() -> None:
    assert catalog.names() == ["fashion"]


@pytest.mark.parametrize("name", catalog.names())
def test_every_dataset_has_a_load_with_the_same_arguments(name: str, tmp_path: Path) -> None:
    load = import_module(f"miniai.catalog.{name}").load
    wanted = {"data_dir", "progress", "cache_dir"}
    parameters = inspect.signature(load).parameters
    assert wanted <= set(parameters)
    assert all(p.default is not inspect.Parameter.empty for p in parameters.values())
    with pytest.raises(DataError, match=str(tmp_path)):  # a named folder without the data is never passed over
        catalog.load(name, data_dir=tmp_path, cache_dir=tmp_path)


@pytest.mark.parametrize("name", ["fashoin", "", "_idx", "data", "../fashion"])
def test_an_unknown_name_is_answered_with_the_known_ones(name: str) -> None:
    with pytest.raises(UsageError, match=r"no dataset is named .*: choose one of fashion$"):
        catalog.load(name)


def test_a_dataset_is_found_by_its_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "digits.py").write_text("raise RuntimeError('names() must not import me')")
    monkeypatch.setattr(catalog, "__path__", [*catalog.__path__, str(tmp_path)])
    assert catalog.names() == ["digits", "fashion"]
