"""Plots: what is drawn is the image that was given, grids have room, signatures name what is passed on."""

from __future__ import annotations

import inspect
import pickle
import pydoc
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from PIL import Image

from miniai import delegates as delegates_module
from miniai import plotting
from miniai.datasets import get_grid, show_image, show_images, subplots
from miniai.errors import MiniaiError, UsageError

mpl.use("Agg")
from matplotlib import pyplot as plt


@pytest.fixture(autouse=True)
def figures() -> Iterator[None]:
    """Each test begins without figures and leaves none, and matplotlib's settings as they were."""
    plt.close("all")
    before = dict(mpl.rcParams)
    yield
    plt.close("all")
    assert dict(mpl.rcParams) == before


def drawn(ax: Any) -> np.ndarray[Any, Any]:
    """The pixels of the image on `ax`."""
    (image,) = ax.get_images()
    assert isinstance(image, AxesImage)
    return np.asarray(image.get_array())


GREY = torch.arange(6).view(2, 3) / 5
COLOUR = torch.arange(30).view(3, 2, 5) / 29


@pytest.mark.parametrize(
    ("im", "expected"),
    [
        (GREY, GREY),
        (GREY[None], GREY),
        (GREY[..., None], GREY),
        (GREY.clone().requires_grad_(), GREY),
        (GREY.to(torch.bfloat16), GREY.to(torch.bfloat16).float()),
        ((GREY * 255).to(torch.uint8), (GREY * 255).to(torch.uint8)),
        (COLOUR, COLOUR.permute(1, 2, 0)),
        (torch.ones(4, 2, 5), torch.ones(2, 5, 4)),
        (COLOUR.permute(1, 2, 0), COLOUR.permute(1, 2, 0)),
        (torch.arange(36).view(3, 4, 3), torch.arange(36).view(3, 4, 3).permute(1, 2, 0)),
        (np.arange(36).reshape(3, 4, 3), np.arange(36).reshape(3, 4, 3)),
        (COLOUR.numpy(), COLOUR.permute(1, 2, 0)),
        (COLOUR[:1].numpy(), COLOUR[0]),
        (np.ones((1, 2, 3)), np.ones((1, 2, 3))),
        (GREY > 0.5, GREY > 0.5),
        (GREY.tolist(), GREY),
        (Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3)), torch.arange(6).view(2, 3)),
        (Image.new("RGB", (2, 1), (1, 2, 3)), torch.tensor([[[1, 2, 3]] * 2])),
        (Image.new("RGB", (2, 1), (1, 2, 3)).quantize(), torch.tensor([[[1, 2, 3, 255]] * 2])),
        (Image.new("LA", (1, 1), (7, 9)), torch.tensor([[[7, 7, 7, 9]]])),
    ],
)
def test_an_image_of_any_kind_is_drawn_as_it_is(im: Any, expected: Any) -> None:
    ax = show_image(im)
    assert np.array_equal(drawn(ax), np.asarray(expected))


def test_the_picture_shows_it() -> None:
    """Rendered, not only handed over: four quarters in four shades, the frame hidden."""
    im = torch.tensor([[0, 85], [170, 255]], dtype=torch.uint8)
    ax = show_image(im, figsize=(2, 2), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    figure: Any = ax.figure
    ax.set_position((0, 0, 1, 1))
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())
    height, width = pixels.shape[:2]
    assert (height, width) == (200, 200)
    quarters = [pixels[y, x, :3].tolist() for y in (50, 150) for x in (50, 150)]
    assert quarters == [[0] * 3, [85] * 3, [170] * 3, [255] * 3]
    assert not ax.axison


def test_title_frame_ticks_and_axes_of_the_caller() -> None:
    _, mine = plt.subplots()
    ax = show_image(GREY, ax=mine, title=torch.tensor(7), noframe=False)
    assert ax is mine
    assert ax.get_title() == "7"
    assert ax.axison
    assert list(ax.get_xticks()) == list(ax.get_yticks()) == []
    assert show_image(GREY, title="a bag").get_title() == "a bag"


@pytest.mark.parametrize(
    ("im", "words"),
    [
        (torch.zeros(2, 5, 6), r"shape \(2, 5, 6\): it needs 1, 3 or 4 channels"),
        (torch.zeros(8, 1, 5, 6), r"shape \(8, 1, 5, 6\).*show_images"),
        (torch.zeros(5), r"Tensor of shape \(5,\)"),
        (torch.zeros(0, 5), r"shape \(0, 5\)"),
        ("cat.png", r"str of shape \(\)"),
        (None, "NoneType"),
    ],
)
def test_what_is_no_image_is_named_and_no_figure_stays(im: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        show_image(im)
    with pytest.raises(UsageError, match=words):
        show_images([GREY, im])
    assert plt.get_fignums() == []


def test_a_keyword_that_matplotlib_refuses_leaves_no_figure() -> None:
    for call in (show_image, lambda im, **kw: show_images([im], **kw)):
        with pytest.raises(ValueError, match="nonsense"):
            call(GREY, cmap="nonsense")
    with pytest.raises(AttributeError, match="fontsise"):
        get_grid(3, title="t", fontsise=3)
    with pytest.raises(ValueError, match="thickest"):
        get_grid(3, title="t", weight="thickest")
    assert plt.get_fignums() == []


def test_subplots_always_gives_an_array() -> None:
    figure, axes = subplots(suptitle="one")
    assert axes.shape == (1,)
    assert figure.get_suptitle() == "one"
    assert figure.get_size_inches().tolist() == [3, 3]
    figure, axes = subplots(2, 3, imsize=2, sharex=True)
    assert axes.shape == (2, 3)
    assert figure.get_size_inches().tolist() == [6, 4]
    assert axes[0, 0].get_shared_x_axes().joined(axes[0, 0], axes[1, 2])
    assert subplots(2, 3, (5, 4))[0].get_size_inches().tolist() == [5, 4]
    assert subplots(squeeze=False)[1].shape == (1, 1)


@given(n=st.integers(1, 200), rows=st.none() | st.integers(1, 40), columns=st.none() | st.integers(1, 40))
def test_a_grid_has_room_and_no_row_too_many(n: int, rows: int | None, columns: int | None) -> None:
    if rows is not None and columns is not None and rows * columns < n:
        with pytest.raises(UsageError, match=f"{n} do not fit into {rows} x {columns}"):
            plotting._shape(n, rows, columns)
        return
    r, c = plotting._shape(n, rows, columns)
    assert r * c >= n
    assert rows in (None, r)
    assert columns in (None, c)
    if rows is None:
        assert (r - 1) * c < n
    if columns is None:
        assert r * (c - 1) < n
    if rows is columns is None:
        assert 0 <= c - r <= 2


def test_a_grid_blanks_the_rest_and_has_its_title() -> None:
    figure, axes = get_grid(7, title="seven", weight="light", size=9, imsize=1)
    assert axes.shape == (2, 4)
    assert [ax.axison for ax in axes.flat] == [True] * 7 + [False]
    assert figure.get_suptitle() == "seven"
    text: Any = figure._suptitle  # type: ignore[attr-defined]
    assert (text.get_weight(), text.get_size()) == ("light", 9)
    assert figure.get_size_inches().tolist() == [4, 2]
    assert get_grid(5, ncols=2)[1].shape == (3, 2)
    assert get_grid(5, nrows=2)[1].shape == (2, 3)
    assert get_grid(1)[1].shape == (1,)


def test_nothing_to_show_is_said() -> None:
    with pytest.raises(UsageError, match="nothing to show"):
        get_grid(0)
    with pytest.raises(UsageError, match="nothing to show"):
        show_images([])
    with pytest.raises(UsageError, match="ncols must be at least 1, not 0"):
        get_grid(3, ncols=0)
    with pytest.raises(UsageError, match="3 titles for 2 images"):
        show_images([GREY, GREY], titles="abc")
    assert plt.get_fignums() == []


def test_images_stand_in_order_under_their_titles() -> None:
    batch = torch.arange(5 * 4).view(5, 1, 2, 2) / 19
    show_images(batch, titles=np.array([4, 3, 2, 1]), cmap="gray", vmax=1.0, imsize=1, title="all", noframe=False)
    figure = plt.gcf()
    axes = figure.axes
    assert len(axes) == 6
    for i, (ax, title) in enumerate(zip(axes[:5], ["4", "3", "2", "1", ""], strict=True)):
        assert np.array_equal(drawn(ax), batch[i, 0].numpy())
        assert ax.get_title() == title
        assert ax.get_images()[0].get_cmap().name == "gray"
        assert ax.axison
    assert (axes[5].axison, len(axes[5].get_images())) == (False, 0)
    assert figure.get_suptitle() == "all"
    show_images((image for image in batch), nrows=5)
    assert len(plt.gcf().axes) == 5


# signatures


def names(f: Any) -> list[str]:
    return list(inspect.signature(f).parameters)


def test_signatures_name_what_matplotlib_takes() -> None:
    assert names(show_image)[:5] == ["im", "ax", "figsize", "title", "noframe"]
    imshow = inspect.signature(Axes.imshow).parameters
    assert set(names(show_image)) == set(imshow) - {"self", "X", "data", "kwargs"} | set(names(show_image)[:5]) | {"kw"}
    assert names(subplots)[:5] == ["nrows", "ncols", "figsize", "imsize", "suptitle"]
    assert {"sharex", "width_ratios", "gridspec_kw", "kw"} <= set(names(subplots))
    assert names(get_grid)[:6] == ["n", "nrows", "ncols", "title", "weight", "size"]
    assert {"imsize", "sharex", "gridspec_kw", "kw"} <= set(names(get_grid))
    assert names(show_images)[:4] == ["ims", "nrows", "ncols", "titles"]
    assert {"imsize", "title", "sharex", "cmap", "noframe", "kw"} <= set(names(show_images))
    assert inspect.signature(show_image).parameters["cmap"].kind is inspect.Parameter.KEYWORD_ONLY


def test_show_images_knows_each_argument_of_imshow() -> None:
    given = set(names(show_image)) - {"im", "ax", "figsize", "title", "kw", "url"}
    assert given <= plotting._OF_IMAGES


def test_help_shows_the_signature_and_the_words() -> None:
    for f, word in ((show_image, "cmap"), (show_images, "interpolation"), (get_grid, "sharey"), (subplots, "imsize")):
        text = pydoc.render_doc(f, renderer=pydoc.plaintext)  # type: ignore[attr-defined]
        assert f"{f.__name__}(" in text
        assert word in text.split("\n\n")[1]
        assert str(inspect.getdoc(f)).splitlines()[0] in text


def test_a_delegating_function_is_found_again_after_pickling() -> None:
    assert pickle.loads(pickle.dumps(show_images)) is show_images
    assert repr(get_grid) == "<function miniai.plotting.get_grid>"


def some_target(a: int, b: int = 1, *, c: int = 2) -> None: ...


def test_merging_by_hand() -> None:
    @delegates_module.delegates(f"{__name__}:some_target", "no_such_module:f", hide=("b",))
    def f(x: int, **kw: int) -> dict[str, int]:
        return {"x": x, **kw}

    assert str(inspect.signature(f)) == "(x: 'int', *, c: 'int' = 2) -> 'dict[str, int]'"
    assert f(3, c=4, b=5) == {"x": 3, "c": 4, "b": 5}

    class Plotter:
        @delegates_module.delegates(f"{__name__}:some_target")
        def draw(self, x: int, **kw: int) -> tuple[object, int, dict[str, int]]:
            return self, x, kw

    plotter = Plotter()
    assert plotter.draw(1, b=2) == (plotter, 1, {"b": 2})
    assert list(inspect.signature(plotter.draw).parameters) == ["x", "b", "c"]


def test_without_matplotlib_the_signature_is_the_own_one_and_a_call_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("matplotlib", "matplotlib.pyplot", "matplotlib.axes"):
        monkeypatch.setitem(sys.modules, name, None)
    assert names(show_image) == ["im", "ax", "figsize", "title", "noframe", "kw"]
    with pytest.raises(MiniaiError, match=r"pip install 'miniai-tui\[notebook\]'"):
        show_image(GREY)


def test_importing_the_library_imports_no_matplotlib() -> None:
    code = "import miniai.datasets, sys; print('matplotlib' in sys.modules, 'datasets' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"
