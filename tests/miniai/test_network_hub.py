"""The Hugging Face hub, played by a server of our own: a download, and what happens when it breaks off."""

from __future__ import annotations

import hashlib
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from miniai.catalog import _hub, fashion

COMMIT = "a" * 40
REPO = "/datasets/zalando-datasets/fashion_mnist"
SPLITS = {"train": "train", "valid": "test"}
FILES = {
    f"fashion_mnist/{theirs}-00000-of-00001.parquet": (fashion.SAMPLE / f"fashion-{ours}.parquet").read_bytes()
    for ours, theirs in SPLITS.items()
} | {
    "README.md": b"---\nconfigs:\n- config_name: fashion_mnist\n  data_files:\n"
    b"  - {split: train, path: fashion_mnist/train-*}\n  - {split: test, path: fashion_mnist/test-*}\n---\n"
}


def listing(folder: str) -> list[dict[str, object]]:
    """What the hub says lies in `folder` of the repository."""
    folders = [{"type": "directory", "path": "fashion_mnist", "size": 0, "oid": COMMIT}]
    files = [
        {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
        for name, data in FILES.items()
        if name.rpartition("/")[0] == folder
    ]
    return files if folder else folders + files


class Hub(BaseHTTPRequestHandler):
    """As much of the hub as `datasets` needs; parquet files break off half-way if the server is told so."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if "/tree/" in path:
            self.answer(json.dumps(listing(path.partition(f"/tree/{COMMIT}")[2].strip("/"))).encode())
        elif path.startswith("/api" + REPO):
            files = [{"rfilename": name} for name in FILES]
            self.answer(json.dumps({"id": REPO[10:], "sha": COMMIT, "siblings": files, "tags": []}).encode())
        elif (name := path.partition("/resolve/")[2].partition("/")[2]) in FILES:
            self.answer(FILES[name], name)
        else:
            self.answer(b"{}", status=404)

    do_HEAD = do_GET

    def answer(self, data: bytes, name: str = "", status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("ETag", f'"{hashlib.sha1(data).hexdigest()}"')
        self.send_header(
            "X-Repo-Commit" if status == 200 else "X-Error-Code", COMMIT if status == 200 else "EntryNotFound"
        )
        self.end_headers()
        if self.command == "HEAD":
            return
        if name.endswith(".parquet") and self.server.refusing:  # type: ignore[attr-defined]
            data = b"this is not the file that was promised".ljust(len(data))
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadingHTTPServer]:
    proxies = [f"{kind}_PROXY" for kind in ("HTTP", "HTTPS", "ALL")]
    caches = ["HF_DATASETS_CACHE", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"]
    for name in (*proxies, *caches, "HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        server.refusing = False  # type: ignore[attr-defined]
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        yield server
        server.shutdown()
        serving.join()


def test_the_data_is_downloaded_once_and_then_found_in_the_cache(
    hub: ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "datasets.py").write_text("raise SystemExit('the current folder was searched')")
    looks = fashion.places(debian=tmp_path / "none", sample=tmp_path / "none")
    first = fashion.load(looks=looks, cache_dir=tmp_path / "c")
    assert first.source == "the Hugging Face hub"
    assert not first.sample
    assert first.note == ""
    assert len(first.train_y) == 6_000
    again = fashion.load(looks=looks, cache_dir=tmp_path / "c")
    assert again.source == "the Hugging Face cache"
    assert again.train_y.tolist() == first.train_y.tolist()
    assert capfd.readouterr() == ("", "")


def test_a_download_that_fails_leads_to_the_sample_with_the_reason(
    hub: ThreadingHTTPServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    hub.refusing = True  # type: ignore[attr-defined]
    data = fashion.load(looks=fashion.places(debian=tmp_path / "none"), cache_dir=tmp_path / "c")
    assert data.sample
    assert data.note.startswith("the download from the Hugging Face hub failed (")
    assert len(data.note) > 60
    assert "\n" not in data.note
    assert capfd.readouterr() == ("", "")


def run(code: str, filled: Path, stall: float) -> str | None:
    return _hub.download([sys.executable, "-c", code], [filled], stall)


def test_a_download_that_stalls_is_ended(tmp_path: Path) -> None:
    forever = "import threading; threading.Event().wait()"
    assert run(forever, tmp_path, 0.2) == "no byte came for 0.2 s"


def test_a_stop_ends_the_download(tmp_path: Path) -> None:
    def stop(*_: object) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        _hub.download([sys.executable, "-c", "import threading; threading.Event().wait()"], [tmp_path], 0.2, stop)


def test_a_slow_download_is_left_alone_as_long_as_bytes_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = iter(range(100))
    rounds = iter([False] * 9 + [True])
    monkeypatch.setattr(_hub, "_held", lambda _: next(sizes))
    monkeypatch.setattr(_hub, "_ends", lambda process, _: next(rounds) and process.wait() == 0)
    clock = iter(range(0, 2000, 20))
    monkeypatch.setattr("miniai.catalog._hub.monotonic", lambda: float(next(clock)))
    assert run("", tmp_path, 30.0) is None


def test_the_last_line_of_what_a_failed_download_said_is_the_reason(tmp_path: Path) -> None:
    assert run("import sys; sys.exit('line one\\nno space left\\n\\n')", tmp_path, 60) == "no space left"
    assert run("import os; os._exit(3)", tmp_path, 60) == "exit code 3"
