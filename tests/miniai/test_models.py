"""The named models: shapes, sizes, defaults, and clear words for what they cannot take."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from miniai import models, optimizers
from miniai.errors import UsageError

FASHION = (1, 28, 28)


@pytest.mark.parametrize("name", models.names())
def test_every_model_is_whole(name: str) -> None:
    """The contract of a model's module: a new file in the folder is tested by being there."""
    defaults = models.defaults(name)
    assert defaults.lr > 0
    assert defaults.bs >= 1
    assert defaults.opt in optimizers.names()
    for shape in (FASHION, (3, 32, 32)):
        model = models.build(name, shape, 7)
        assert model(torch.rand(2, *shape)).shape == (2, 7)


@pytest.mark.parametrize("name", models.names())
def test_every_model_learns_at_its_defaults(name: str) -> None:
    """Ten classes, each a pattern of its own under noise: a few steps must bring the loss well below log(10)."""
    lr, _, opt = models.defaults(name)
    torch.manual_seed(0)
    patterns = torch.rand(10, *FASHION)
    y = torch.arange(10).repeat(20)
    x = (patterns[y] + torch.rand(200, *FASHION)) / 2
    model = models.build(name, FASHION, 10)
    optimizer = optimizers.get(opt)(model.parameters(), lr)
    for _ in range(60):
        loss = F.cross_entropy(model(x), y)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()
    assert loss.item() < 1.0


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def test_the_mlp_has_one_hidden_layer_of_50() -> None:
    model = models.build("mlp", FASHION, 10)
    assert [type(m) for m in model.children()] == [nn.Flatten, nn.Linear, nn.ReLU, nn.Linear]
    assert parameters(model) == (784 + 1) * 50 + (50 + 1) * 10
    assert models.defaults("mlp") == (0.2, 1024, "sgd")


def test_the_conv_net_is_the_courses_by_size_and_shape() -> None:
    model = models.build("conv", FASHION, 10)
    convs = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    assert [c.in_channels for c in convs] + [convs[-1].out_channels] == [1, 8, 16, 32, 64, 10]
    assert parameters(model) == 30_154
    assert sum(isinstance(m, nn.ReLU) for m in model.modules()) == 4
    assert models.defaults("conv").bs == 512


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 4), st.integers(1, 64), st.integers(1, 64), st.integers(1, 12))
def test_the_conv_net_gives_one_number_a_class_for_any_image_up_to_64_pixels(
    channels: int, height: int, width: int, classes: int
) -> None:
    model = models.build("conv", (channels, height, width), classes)
    assert model(torch.rand(2, channels, height, width)).shape == (2, classes)


def test_what_the_conv_net_cannot_take_is_said_with_a_way_out() -> None:
    with pytest.raises(UsageError, match=r"up to 64x64 pixels, these have 28x65.*mlp"):
        models.build("conv", (1, 28, 65), 10)


@pytest.mark.parametrize("shape", [(0, 28, 28), (1, 28, 0), (28, 28)])
def test_shapes_that_are_no_images_are_refused(shape: tuple[int, int, int]) -> None:
    with pytest.raises(UsageError, match="no model for images of"):
        models.build("mlp", shape, 10)


@pytest.mark.parametrize("name", ["resnetz", "", "_mlp", "../mlp"])
def test_an_unknown_name_is_answered_with_the_known_ones(name: str) -> None:
    for call in (models.defaults, lambda n: models.build(n, FASHION, 10)):
        with pytest.raises(UsageError, match="conv, mlp"):
            call(name)


def test_a_model_is_found_by_its_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tiny.py").write_text("raise RuntimeError('names() must not import me')")
    (tmp_path / "_helper.py").touch()
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(tmp_path)])
    assert "tiny" in models.names()
    assert "_helper" not in models.names()
