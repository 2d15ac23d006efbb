"""The sampler: each number on its own, a driver that hangs holds nobody up, and nothing is told after the end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from miniai.callbacks.system import SystemCB
from miniai.deadline import Deadline
from miniai.learner import FuncCB, Learner
from miniai.nvml import Nvml, visible_gpu
from miniai.run.events import Fact, SystemSampled, decode, encode
from miniai.run.machine import GpuUse
from miniai.system import Sampler

Make = Callable[..., Learner]
MIB = 2**20


class NVMLError(Exception):
    def __init__(self, value: int) -> None:
        super().__init__(f"error {value}")
        self.value = value


class FakeNvml:
    """A driver with two GPUs; `broken` names calls that are not supported, `hang` one that does not come back."""

    NVMLError = NVMLError
    NVML_ERROR_LIBRARY_NOT_FOUND, NVML_ERROR_DRIVER_NOT_LOADED, NOT_SUPPORTED = 12, 9, 3
    NVML_TEMPERATURE_GPU = 0

    def __init__(self, broken: set[str] | None = None, hang: str = "", absent: int = 0) -> None:
        self.broken, self.hang, self.absent = broken or set(), hang, absent
        self.release = threading.Event()
        self.calls: list[str] = []
        self.open = 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if not name.startswith("nvml"):
            raise AttributeError(name)

        def call(*args: Any) -> Any:
            self.calls.append(name)
            if name == self.hang:
                self.release.wait(30)
            if name in self.broken:
                raise NVMLError(self.NOT_SUPPORTED)
            return self.answer(name.removeprefix("nvml"), *args)

        return call

    def answer(self, name: str, *args: Any) -> Any:
        if name == "Init" and self.absent:
            raise NVMLError(self.absent)
        self.open += (name == "Init") - (name == "Shutdown")
        i = args[0] if args and isinstance(args[0], int) else 0
        answers: dict[str, Any] = {
            "Init": None, "Shutdown": None, "DeviceGetCount": 2, "DeviceGetHandleByIndex": i,
            "DeviceGetHandleByUUID": 7, "DeviceGetUUID": f"GPU-{'ab' if i == 0 else 'cd'}12-34",
            "DeviceGetName": b"Card A" if i == 0 else "Card B", "DeviceGetEnforcedPowerLimit": 350_000,
            "DeviceGetMemoryInfo": SimpleNamespace(total=1000 * MIB, used=(100 + 100 * i) * MIB),
            "DeviceGetUtilizationRates": SimpleNamespace(gpu=50 + 40 * i, memory=1),
            "DeviceGetTemperature": 60 + i, "DeviceGetPowerUsage": 123_456,
        }  # fmt: skip
        return answers[name]


@pytest.fixture
def call() -> Iterator[Deadline]:
    deadline = Deadline(0.2, "test")
    yield deadline
    deadline.close()


def test_all_numbers_and_the_run_s_own_gpu_first(call: Deadline) -> None:
    fake = FakeNvml()
    nvml = Nvml(call, ["GPU-cd12"], fake)
    assert nvml.read() == [GpuUse(0.9, 200, 61.0, 123.5), GpuUse(0.5, 100, 60.0, 123.5)]
    assert [(k.name, k.index, k.used, k.memory, k.power) for k in nvml.kinds] == [
        ("Card B", 1, True, 1000, 350.0),
        ("Card A", 0, False, 1000, 350.0),
    ]
    nvml.read()
    nvml.close()
    assert fake.calls.count("nvmlInit") == fake.calls.count("nvmlShutdown") == 1
    assert fake.open == 0


@pytest.mark.parametrize(
    ("name", "field"),
    [("UtilizationRates", "busy"), ("MemoryInfo", "memory"), ("Temperature", "temperature"), ("PowerUsage", "power")],
)
def test_each_number_is_missing_on_its_own(call: Deadline, name: str, field: str) -> None:
    nvml = Nvml(call, (), FakeNvml({f"nvmlDeviceGet{name}"}))
    for use in nvml.read():
        missing = [f for f in ("busy", "memory", "temperature", "power") if getattr(use, f) is None]
        assert missing == [field]


@pytest.mark.parametrize(("error", "why"), [(12, ""), (9, ""), (999, "the GPU driver says: error 999")])
def test_no_gpu(call: Deadline, error: int, why: str) -> None:
    fake = FakeNvml(absent=error)
    nvml = Nvml(call, (), fake)
    assert nvml.read() == nvml.read() == []
    assert (nvml.kinds, nvml.why) == ([], why)
    assert fake.calls == ["nvmlInit"], "a driver that is not there is asked once"


@pytest.mark.parametrize("name", ["nvmlInit", "nvmlDeviceGetCount", "nvmlDeviceGetName"])
def test_a_driver_that_does_not_answer_is_asked_again(name: str) -> None:
    fake, call = FakeNvml(hang=name), Deadline(0.02, "test")
    nvml = Nvml(call, (), fake)
    assert nvml.read() == []
    assert nvml.why == "the GPU driver does not answer"
    assert nvml.read() == []
    fake.hang = ""
    fake.release.set()
    last = call._last
    assert last is not None
    assert last.done.wait(10)
    call.seconds = 10
    assert len(nvml.read()) == 2
    assert nvml.why == ""
    call.close()


def test_calls_that_hang_do_not_pile_up(call: Deadline) -> None:
    call.seconds, release = 0.01, threading.Event()
    with pytest.raises(TimeoutError):
        call(release.wait, 30)
    before = threading.active_count()
    for _ in range(5):
        with pytest.raises(TimeoutError, match="has not come back"):
            call(int)
    assert threading.active_count() == before
    last = call._last
    release.set()
    assert last is not None
    assert last.done.wait(10)
    call.seconds = 10.0
    assert call(int, "7") == 7
    with pytest.raises(ValueError, match="invalid literal"):
        call(int, "seven")


@pytest.mark.parametrize(
    ("index", "uuid", "visible", "name"),
    [
        (0, "", "", "0"),
        (1, "", "3,5", "5"),
        (1, "", "GPU-aa, GPU-bb", "GPU-bb"),
        (0, "12ab", "3", "GPU-12ab"),
        (0, "12ab", "MIG-77", "MIG-77"),
        (2, "", "3", "2"),
    ],
)
def test_which_gpu_a_device_is(index: int, uuid: str, visible: str, name: str) -> None:
    assert visible_gpu(index, uuid, {"CUDA_VISIBLE_DEVICES": visible}) == name


def test_a_part_of_a_gpu_is_read_by_its_own_name(call: Deadline) -> None:
    nvml = Nvml(call, ["MIG-77"], FakeNvml())
    assert len(nvml.read()) == 3
    assert [kind.used for kind in nvml.kinds] == [True, False, False]


class Heard:
    """Facts, and a way to wait for some."""

    def __init__(self) -> None:
        self.facts: list[SystemSampled] = []
        self._more = threading.Condition()

    def __call__(self, fact: Fact) -> None:
        assert isinstance(fact, SystemSampled)
        with self._more:
            self.facts.append(fact)
            self._more.notify_all()

    def wait(self, n: int) -> list[SystemSampled]:
        with self._more:
            assert self._more.wait_for(lambda: len(self.facts) >= n, 20)
        return self.facts


def sampler(heard: Heard, folder: Path, fake: FakeNvml, **more: Any) -> Sampler:
    options = {"every": 0.001, "first": 0.001, **more}
    return Sampler(heard, lambda: 1.0, folder, ["GPU-ab"], library=fake, **options)


def test_the_machine_is_told_once_and_true(tmp_path: Path) -> None:
    import psutil

    heard = Heard()
    taken = sampler(heard, tmp_path, FakeNvml())
    taken.start()
    facts = list(heard.wait(3))
    taken.close()
    first = facts[0]
    assert first.machine is not None
    assert first.machine.cores == psutil.cpu_count()
    assert first.machine.memory == psutil.virtual_memory().total // MIB
    assert [g.name for g in first.machine.gpus] == ["Card A", "Card B"]
    assert all(f.machine is None for f in facts[1:])
    assert first.process_memory == pytest.approx(psutil.Process().memory_info().rss / MIB, rel=0.3)
    assert first.disk_free is not None
    assert 0 <= first.disk_free <= first.machine.disk
    for fact in facts:
        assert decode(encode(fact)) == fact
        assert len(fact.gpus) == 2
    assert len(encode(facts[1])) < 250


def test_it_tells_how_long_the_log_is(tmp_path: Path) -> None:
    heard = Heard()
    taken = sampler(heard, tmp_path, FakeNvml())
    taken.start()
    assert heard.wait(1)[0].log is None  # what a headless run writes goes elsewhere
    (tmp_path / "log.txt").write_bytes(b"12345")
    n = len(heard.facts)
    assert heard.wait(n + 2)[n + 1].log == 5
    taken.close()


def test_nothing_is_told_after_the_end(tmp_path: Path) -> None:
    heard, fake = Heard(), FakeNvml()
    taken = sampler(heard, tmp_path, fake)
    taken.start()
    heard.wait(1)
    taken.close()
    n = len(heard.facts)
    assert not taken._thread.is_alive()
    assert fake.open == 0
    taken.close()
    assert len(heard.facts) == n


def test_a_driver_that_hangs_holds_nobody_up(tmp_path: Path) -> None:
    heard, fake = Heard(), FakeNvml(hang="nvmlDeviceGetPowerUsage")
    taken = sampler(heard, tmp_path, fake, patience=0.01)
    taken.start()
    facts = list(heard.wait(3))
    assert fake.calls.count("nvmlDeviceGetPowerUsage") == 1
    assert facts[2].gpus[0] == GpuUse()
    assert facts[2].cpu is not None
    taken.close()
    assert not taken._thread.is_alive()
    fake.release.set()


def test_a_disk_that_does_not_answer_is_not_known(tmp_path: Path) -> None:
    heard = Heard()
    taken = sampler(heard, tmp_path / "gone", FakeNvml())
    taken.start()
    assert heard.wait(1)[0].disk_free is None
    taken.close()


def test_whatever_breaks_the_watching_the_run_goes_on(make_learner: Make, tmp_path: Path, caplog: Any) -> None:
    def broken(fact: Fact) -> None:
        raise ZeroDivisionError

    cb = SystemCB(broken, tmp_path, every=0.001, first=0.0, library=FakeNvml())

    def wait(learn: Learner) -> None:
        assert cb._sampler is not None
        cb._sampler._thread.join(20)

    learn = make_learner([cb, FuncCB(after_fit=wait)])
    learn.fit(1)
    assert learn.steps == 3
    assert "the machine is not watched any more" in caplog.text


@pytest.mark.parametrize("error", [None, ZeroDivisionError, KeyboardInterrupt])
def test_every_ending_stops_it(make_learner: Make, tmp_path: Path, error: type[BaseException] | None) -> None:
    heard = Heard()
    cb = SystemCB(heard, tmp_path, every=0.001, first=0.0, library=FakeNvml())

    def end(learn: Learner) -> None:
        heard.wait(1)
        if error is not None:
            raise error

    learn = make_learner([cb, FuncCB(after_batch=end)])
    if error is None:
        learn.fit(1)
    else:
        with pytest.raises(error):
            learn.fit(1)
    assert cb._sampler is None
    assert not [t for t in threading.enumerate() if t.name in ("system sampler",)]
