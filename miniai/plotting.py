"""Plots for notebooks: images, and grids of them. matplotlib is imported when the first one is asked for.

Arguments that a function here does not know are passed on to matplotlib; the signatures name them. Figures come
from pyplot, so that a notebook shows them; settings such as the colour map are matplotlib's own and not changed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from miniai.conv import to_cpu
from miniai.delegates import delegates
from miniai.errors import UsageError
from miniai.optional import need

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["get_grid", "show_image", "show_images", "subplots"]

_CHANNELS = (1, 3, 4)
"""Grey, RGB, RGB with opacity: what imshow can draw."""
_CONVERTED = {
    "P": "RGBA",
    "PA": "RGBA",
    "LA": "RGBA",
    "La": "RGBA",
    "CMYK": "RGB",
    "YCbCr": "RGB",
    "HSV": "RGB",
    "LAB": "RGB",
}
"""PIL's modes whose numbers are no shades, and what to make of them."""
_IMSHOW = "matplotlib.axes:Axes.imshow"
_SUBPLOTS = "matplotlib.pyplot:subplots"


def _pyplot() -> Any:
    return need("matplotlib.pyplot", "notebook")


@contextmanager
def _closed_on_error(figure: Any) -> Iterator[None]:
    """Let no half-drawn figure stay open if the block fails."""
    try:
        yield
    except BaseException:
        _pyplot().close(figure)
        raise


@delegates(_IMSHOW, hide=("data",))
def show_image(
    im: Any,
    ax: Axes | None = None,
    figsize: tuple[float, float] | None = None,
    title: object = None,
    noframe: bool = True,
    **kw: Any,
) -> Axes:
    """Draw one image on `ax`, or on a new figure of `figsize` inches, and return the axes.

    `im` is a tensor or array of (height, width), (channels, height, width) or (height, width, channels) with 1, 3
    or 4 channels, or anything that numpy can read as one, such as a PIL image. Where both orders fit, a tensor has
    its channels first and an array last. Tensors may be on any device and need a gradient. Floats of colour images
    go from 0 to 1, integers from 0 to 255. `noframe` hides the frame; ticks are never shown. `kw` goes to
    matplotlib's `Axes.imshow`, for example `cmap="gray"`. UsageError if `im` has another shape.
    """
    pixels = _pixels(im)
    if ax is not None:
        return _draw(pixels, ax, title, noframe, kw)
    figure, ax = _pyplot().subplots(figsize=figsize)
    with _closed_on_error(figure):
        return _draw(pixels, ax, title, noframe, kw)


def _draw(pixels: np.ndarray[Any, Any], ax: Axes, title: object, noframe: bool, kw: dict[str, Any]) -> Axes:
    ax.imshow(pixels, **kw)
    if title is not None:
        ax.set_title(_text(title))
    ax.set_xticks([])
    ax.set_yticks([])
    if noframe:
        ax.axis("off")
    return ax


def _text(title: object) -> str:
    """A title in words: labels often come as tensors or numpy numbers."""
    number = isinstance(title, torch.Tensor) and title.numel() == 1
    return str(title.item() if number else title)  # type: ignore[attr-defined]


def _pixels(im: Any) -> np.ndarray[Any, Any]:
    """`im` as (height, width) or (height, width, 3 or 4) on the CPU."""
    tensor = isinstance(im, torch.Tensor)
    if getattr(im, "mode", None) in _CONVERTED:
        im = im.convert(_CONVERTED[im.mode])
    pixels = np.asarray(to_cpu(im) if tensor else im)
    shape = pixels.shape
    if len(shape) == 3:
        first, last = shape[0] in _CHANNELS, shape[-1] in _CHANNELS
        # a tensor is (channels, height, width) if it can be; an array, as PIL and imshow have it, the other way
        if first and (tensor or not last):
            pixels = pixels.transpose(1, 2, 0)
        elif not last:
            raise UsageError(f"cannot show an image of shape {shape}: it needs 1, 3 or 4 channels, first or last")
        pixels = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    if pixels.ndim not in (2, 3) or pixels.size == 0 or pixels.dtype == object:
        what = "a batch is shown by show_images" if len(shape) == 4 else "an image is (height, width), or with channels"
        raise UsageError(f"cannot show {type(im).__name__} of shape {shape} as an image: {what}")
    return pixels


@delegates(_SUBPLOTS)
def subplots(
    nrows: int = 1,
    ncols: int = 1,
    figsize: tuple[float, float] | None = None,
    imsize: float = 3,
    suptitle: str | None = None,
    **kw: Any,
) -> tuple[Figure, np.ndarray[Any, Any]]:
    """Make a figure with `nrows` x `ncols` axes; returns it and an array of the axes, also if there is only one.

    `figsize` is (width, height) in inches; by default `imsize` inches for each of the axes. `suptitle` is the
    figure's title. `kw` goes to matplotlib's `pyplot.subplots`.
    """
    plt = _pyplot()
    figure, axes = plt.subplots(nrows, ncols, figsize=figsize or (ncols * imsize, nrows * imsize), **kw)
    with _closed_on_error(figure):
        if suptitle is not None:
            figure.suptitle(suptitle)
        return figure, axes if isinstance(axes, np.ndarray) else np.array([axes])


@delegates("miniai.plotting:subplots", hide=("suptitle",))
def get_grid(
    n: int,
    nrows: int | None = None,
    ncols: int | None = None,
    title: str | None = None,
    weight: str = "bold",
    size: float = 14,
    **kw: Any,
) -> tuple[Figure, np.ndarray[Any, Any]]:
    """Make a figure with room for `n` axes; returns it and the array of axes, those beyond `n` blank.

    With one of `nrows` and `ncols` given, the other is as large as it must be; with neither, the grid is close to a
    square. `title` is the figure's, in font `weight` and `size` points. `kw` goes to `subplots`.
    UsageError if `n` axes do not fit.
    """
    nrows, ncols = _shape(n, nrows, ncols)
    figure, axes = subplots(nrows, ncols, **kw)
    with _closed_on_error(figure):
        for ax in axes.flat[n:]:
            ax.set_axis_off()
        if title is not None:
            figure.suptitle(title, weight=weight, size=size)
    return figure, axes


def _shape(n: int, nrows: int | None, ncols: int | None) -> tuple[int, int]:
    """Rows and columns of a grid for `n`."""
    if n < 1:
        raise UsageError(f"a grid needs at least one place, not {n}: is there nothing to show?")
    for name, count in (("nrows", nrows), ("ncols", ncols)):
        if count is not None and count < 1:
            raise UsageError(f"{name} must be at least 1, not {count}")
    if nrows is None:
        nrows = math.isqrt(n) if ncols is None else -(-n // ncols)
    if ncols is None:
        ncols = -(-n // nrows)
    if nrows * ncols < n:
        raise UsageError(f"{n} do not fit into {nrows} x {ncols}: leave nrows or ncols to be worked out")
    return nrows, ncols


_OF_IMAGES = frozenset({
    "alpha", "aspect", "cmap", "colorizer", "extent", "filternorm", "filterrad", "interpolation",
    "interpolation_stage", "noframe", "norm", "origin", "resample", "vmax", "vmin",
})  # fmt: skip
"""What of `show_images`' keyword arguments is for the images; the others are for the grid."""


@delegates("miniai.plotting:get_grid", "miniai.plotting:show_image", hide=("ax", "url"))
def show_images(
    ims: Iterable[Any],
    nrows: int | None = None,
    ncols: int | None = None,
    titles: Iterable[object] | None = None,
    **kw: Any,
) -> None:
    """Draw images in a grid, as many rows and columns as `get_grid` finds, with `titles` above them.

    `ims` is a batch (n, ...) or any collection of what `show_image` takes. What of `kw` is for drawing an image
    (`cmap`, `vmin`, `noframe` and so on) goes to `show_image`, the rest to `get_grid`. UsageError if there is no
    image, or more titles than images.
    """
    pixels = [_pixels(im) for im in ims]
    texts: Sequence[object] = [] if titles is None else list(titles)
    if len(texts) > len(pixels):
        raise UsageError(f"{len(texts)} titles for {len(pixels)} images: give each image at most one")
    of_images = {name: value for name, value in kw.items() if name in _OF_IMAGES}
    figure, axes = get_grid(
        len(pixels), nrows, ncols, **{name: value for name, value in kw.items() if name not in _OF_IMAGES}
    )
    with _closed_on_error(figure):
        for image, text, ax in zip_longest(pixels, texts, axes.flat[: len(pixels)]):
            show_image(image, ax=ax, title=text, **of_images)
