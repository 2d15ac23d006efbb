"""Random changes of training images, whole batches at once, each image by a draw of its own.

Images are floating tensors (batch, channels, height, width); every function returns a new tensor. Numbers are drawn
from torch's generator, or from `generator`, on the images' device. As a callback: `BatchTransformCB` of a function
of the batch, or of a module of these, with `on_val=False`.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from miniai.callbacks.capture import CapturePreds
from miniai.errors import UsageError
from miniai.looking import capture_preds, show_image_batch
from miniai.summary import summary
from miniai.tta import tta

__all__ = [
    "CapturePreds", "RandCopy", "RandCrop", "RandErase", "RandFlip", "capture_preds", "rand_copy", "rand_crop",
    "rand_erase", "rand_flip", "show_image_batch", "standard", "summary", "tta",
]  # fmt: skip


def _check(x: Tensor) -> tuple[int, int, int, int]:
    if x.ndim != 4 or not x.is_floating_point():
        raise UsageError(
            f"augmentation takes floating images (batch, channels, height, width), not {x.dtype} {tuple(x.shape)}"
        )
    batch, channels, height, width = x.shape
    return batch, channels, height, width


def _draw(x: Tensor, shape: tuple[int, ...], below: int, generator: Generator | None) -> Tensor:
    """Whole numbers from 0 to below `below`, on x's device."""
    device = x.device if generator is None else generator.device
    return torch.randint(below, shape, generator=generator, device=device).to(x.device)


class _Patches:
    """Rectangles, a share `pct` of each side: up to `max_num` an image, each at a place of its own."""

    def __init__(self, x: Tensor, pct: float, max_num: int, generator: Generator | None) -> None:
        if not 0 <= pct <= 1 or max_num < 0:
            raise UsageError(f"pct must be from 0 to 1 and max_num 0 or more, not {pct} and {max_num}")
        batch, _, self.height, self.width = _check(x)
        self.x, self.batch, self.max_num, self.generator = x, batch, max_num, generator
        self.high, self.wide = int(pct * self.height), int(pct * self.width)
        count = _draw(x, (batch, 1), max_num + 1, generator)
        self.wanted = torch.arange(max_num, device=x.device) < count
        """Which of its rectangles each image gets, (batch, max_num) of bool."""

    def corners(self) -> Tensor:
        """Random upper left corners, as places in the flattened image: (batch, max_num)."""
        shape = (self.batch, self.max_num)
        top = _draw(self.x, shape, self.height - self.high + 1, self.generator)
        return top * self.width + _draw(self.x, shape, self.width - self.wide + 1, self.generator)

    def places(self, corner: Tensor) -> Tensor:
        """Every pixel of each rectangle, as its place in the flattened image: (batch, max_num, 1, pixels)."""
        rows = torch.arange(self.high, device=self.x.device)[:, None] * self.width
        cells = rows + torch.arange(self.wide, device=self.x.device)
        return corner[..., None, None] + cells.flatten()


def rand_erase(x: Tensor, pct: float = 0.2, max_num: int = 4, generator: Generator | None = None) -> Tensor:
    """Put noise into 0 to `max_num` rectangles of each image, `pct` of its height by `pct` of its width.

    The noise is normal with the batch's mean and standard deviation, cut off at its lowest and highest value, so that
    the batch's statistics hardly change. After Zhong et al., "Random erasing" (2017).
    """
    patches = _Patches(x, pct, max_num, generator)
    pixels = x.flatten(2).clone()
    if not x.numel():
        return pixels.view(x.shape)
    mean, std, low, high = x.mean(), x.std(correction=0), x.min(), x.max()
    device = x.device if generator is None else generator.device
    places = patches.places(patches.corners()).expand(-1, -1, x.shape[1], -1)
    for here, wanted in zip(places.unbind(1), patches.wanted.unbind(1), strict=True):
        noise = torch.randn(here.shape, generator=generator, device=device, dtype=x.dtype).to(x.device)
        noise = (noise * std + mean).clamp(low, high)
        pixels.scatter_(2, here, torch.where(wanted[:, None, None], noise, pixels.gather(2, here)))
    return pixels.view(x.shape)


def rand_copy(x: Tensor, pct: float = 0.2, max_num: int = 4, generator: Generator | None = None) -> Tensor:
    """Copy 0 to `max_num` rectangles of each image over other places of the same image, one after the other.

    Each is `pct` of the height by `pct` of the width. Unlike with noise, the pixels keep their distribution.
    """
    patches = _Patches(x, pct, max_num, generator)
    source, target = patches.corners(), patches.corners()
    source = torch.where(patches.wanted, source, target)  # a rectangle too many is copied onto itself
    places = torch.stack([patches.places(source), patches.places(target)]).expand(-1, -1, -1, x.shape[1], -1)
    pixels = x.flatten(2).clone()
    for there, here in places.unbind(2):
        pixels.scatter_(2, here, pixels.gather(2, there))
    return pixels.view(x.shape)


def rand_crop(x: Tensor, padding: int = 1, generator: Generator | None = None) -> Tensor:
    """Shift each image by up to `padding` pixels in each direction; what comes in at the edges is 0."""
    batch, channels, height, width = _check(x)
    if padding < 0:
        raise UsageError(f"padding must be 0 or more pixels, not {padding}")
    padded = nn.functional.pad(x, (padding,) * 4)
    rows = torch.arange(height, device=x.device) + _draw(x, (batch, 1), 2 * padding + 1, generator)
    columns = torch.arange(width, device=x.device) + _draw(x, (batch, 1), 2 * padding + 1, generator)
    padded = padded.gather(2, rows[:, None, :, None].expand(-1, channels, -1, padded.shape[3]))
    return padded.gather(3, columns[:, None, None, :].expand(-1, channels, height, -1))


def rand_flip(x: Tensor, p: float = 0.5, generator: Generator | None = None) -> Tensor:
    """Mirror each image left to right with probability `p`."""
    if not 0 <= p <= 1:
        raise UsageError(f"p is a probability, from 0 to 1, not {p}")
    batch = _check(x)[0]
    device = x.device if generator is None else generator.device
    mirrored = torch.rand((batch, 1, 1, 1), generator=generator, device=device).to(x.device) < p
    return torch.where(mirrored, x.flip(3), x)


class _Patched(nn.Module):
    def __init__(self, pct: float = 0.2, max_num: int = 4, generator: Generator | None = None) -> None:
        super().__init__()
        self.pct, self.max_num, self.generator = pct, max_num, generator

    def extra_repr(self) -> str:
        """What was given."""
        return f"pct={self.pct:g}, max_num={self.max_num}"


class RandErase(_Patched):
    """`rand_erase` as a module; it changes images in eval mode too."""

    def forward(self, x: Tensor) -> Tensor:
        """Images in, images out."""
        return rand_erase(x, self.pct, self.max_num, self.generator)


class RandCopy(_Patched):
    """`rand_copy` as a module; it changes images in eval mode too."""

    def forward(self, x: Tensor) -> Tensor:
        """Images in, images out."""
        return rand_copy(x, self.pct, self.max_num, self.generator)


class RandCrop(nn.Module):
    """`rand_crop` as a module; it changes images in eval mode too."""

    def __init__(self, padding: int = 1, generator: Generator | None = None) -> None:
        super().__init__()
        self.padding, self.generator = padding, generator

    def forward(self, x: Tensor) -> Tensor:
        """Images in, images out."""
        return rand_crop(x, self.padding, self.generator)

    def extra_repr(self) -> str:
        """What was given."""
        return f"padding={self.padding}"


class RandFlip(nn.Module):
    """`rand_flip` as a module; it changes images in eval mode too."""

    def __init__(self, p: float = 0.5, generator: Generator | None = None) -> None:
        super().__init__()
        self.p, self.generator = p, generator

    def forward(self, x: Tensor) -> Tensor:
        """Images in, images out."""
        return rand_flip(x, self.p, self.generator)

    def extra_repr(self) -> str:
        """What was given."""
        return f"p={self.p:g}"


def standard(height: int, width: int) -> nn.Sequential:
    """What small images are usually trained with: shifted, mirrored, up to four parts of each erased.

    For images of `height` by `width` pixels; shifted by up to one pixel for each 28 of the longer side, at least one.
    """
    return nn.Sequential(RandCrop(max(round(max(height, width) / 28), 1)), RandFlip(), RandErase())
