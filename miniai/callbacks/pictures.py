"""Pictures for the screen: images as bytes, and the files that carry them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from miniai.run.events import Alerted, Fact

__all__ = ["PictureFiles", "display_pixels"]


def display_pixels(images: Tensor) -> Tensor:
    """Images (n, c, h, w) as uint8 for display: [0, 1] becomes 0..255; what goes beyond is rescaled to fit.

    NaN is black. Never waits for the device.
    """
    if images.dtype == torch.uint8:
        return images.clone()
    images = images.detach().float().nan_to_num(0.0)
    low, high = images.amin(), images.amax()
    beyond = (low < 0) | (high > 1)
    low = torch.where(beyond, low, torch.zeros_like(low))
    span = torch.where(beyond, (high - low).clamp_min(1e-12), torch.ones_like(high))
    return ((images - low) / span * 255).round_().clamp_(0, 255).to(torch.uint8)


class PictureFiles:
    """Writes files below `run_dir`, each replaced atomically; the last `keep` of them stay.

    A disk that refuses is said once, as an Alerted fact, and is asked again for the next file.
    """

    def __init__(self, emit: Callable[[Fact], object], run_dir: Path, now: Callable[[], float], keep: int) -> None:
        self.emit, self.run_dir, self.now, self.keep = emit, run_dir, now, keep
        self._kept: dict[str, None] | None = None  # oldest first; None until the first is written
        self._refused = False

    def write(self, file: str, tensors: Mapping[str, Tensor]) -> bool:
        """Write tensors of the CPU to `file`; False if that failed."""
        try:
            self._write(file, save(dict(tensors)))
        except OSError as error:
            self._refuse(error)
            return False
        return True

    def _write(self, file: str, data: bytes) -> None:
        path = self.run_dir / file
        part = path.with_name(path.name + ".part")
        path.parent.mkdir(mode=0o700, exist_ok=True)
        try:
            part.write_bytes(data)
            os.replace(part, path)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        kept = self._kept = self._left_behind(path) if self._kept is None else self._kept
        kept.pop(file, None)
        kept[file] = None
        while len(kept) > self.keep:
            oldest = next(iter(kept))
            del kept[oldest]
            (self.run_dir / oldest).unlink(missing_ok=True)

    def _left_behind(self, path: Path) -> dict[str, None]:
        """Files of this kind that an earlier process of a resumed run has left; parts that it was writing go."""
        for part in path.parent.glob("*.safetensors.part"):
            part.unlink(missing_ok=True)
        kind = path.name.endswith("-worst.safetensors")
        files = [f for f in path.parent.glob("*.safetensors") if f.name.endswith("-worst.safetensors") == kind]
        aged = sorted(files, key=lambda f: (f.stat().st_mtime_ns, f.name))
        return {str(f.relative_to(self.run_dir)): None for f in aged}

    def _refuse(self, error: OSError) -> None:
        if not self._refused:
            self._refused = True
            text = f"previews cannot be saved ({error.strerror or error}): training goes on without"
            self.emit(Alerted(at=self.now(), topic="preview", text=text))
