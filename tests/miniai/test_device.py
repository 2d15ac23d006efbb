"""The device: what can be used is used, and a GPU that torch cannot use is said."""

from __future__ import annotations

import threading

import pynvml
import pytest
import torch

from miniai import device
from miniai.errors import UsageError


@pytest.fixture
def without_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.mark.usefixtures("without_gpu")
def test_a_gpu_that_torch_cannot_use_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "gpu_names", lambda: ["NVIDIA Fake 9000"])
    picked, alert = device.pick_device("auto")
    assert picked == torch.device("cpu")
    assert "NVIDIA Fake 9000" in alert
    assert "training on the CPU" in alert


@pytest.mark.usefixtures("without_gpu")
def test_no_gpu_is_no_alert(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "gpu_names", list)
    assert device.pick_device("auto") == (torch.device("cpu"), "")


@pytest.mark.parametrize(("module", "name"), [(torch.cuda, "cuda"), (torch.backends.mps, "mps")])
@pytest.mark.usefixtures("without_gpu")
def test_auto_takes_what_there_is(monkeypatch: pytest.MonkeyPatch, module: object, name: str) -> None:
    monkeypatch.setattr(module, "is_available", lambda: True)
    assert device.pick_device("auto") == (torch.device(name), "")


@pytest.mark.parametrize("name", ["cuda:99", "tpu", "", "gpu"])
def test_what_cannot_be_used_names_what_can(name: str) -> None:
    with pytest.raises(UsageError, match="choose auto, cpu, cuda or mps"):
        device.pick_device(name)


def test_the_driver_is_asked_for_names(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[bool] = []
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: 2)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", lambda i: i)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetName", lambda i: b"A" if i else "B")
    monkeypatch.setattr(pynvml, "nvmlShutdown", lambda: ended.append(True))
    assert device.gpu_names() == ["B", "A"]
    assert ended == [True]


def test_a_driver_that_fails_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_UNKNOWN)

    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlShutdown", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", fail)
    assert device.gpu_names() == []
    monkeypatch.setattr(pynvml, "nvmlInit", fail)
    assert device.gpu_names() == []


def test_a_driver_that_hangs_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(device, "PATIENCE", 0.05)
    monkeypatch.setattr(pynvml, "nvmlInit", over.wait)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: 0)
    monkeypatch.setattr(pynvml, "nvmlShutdown", lambda: None)
    try:
        assert device.gpu_names() == []
    finally:
        over.set()
