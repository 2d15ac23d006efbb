"""The named models: shapes, sizes, defaults, and clear words for what they cannot take."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from miniai import models, optimizers, schedules
from miniai.errors import UsageError

FASHION = (1, 28, 28)


@pytest.mark.parametrize("name", models.names())
def test_every_model_is_whole(name: str) -> None:
    """The contract of a model's module: a new file in the folder is tested by being there."""
    defaults = models.defaults(name)
    assert defaults.lr > 0
    assert defaults.bs >= 1
    assert defaults.opt in optimizers.names()
    assert defaults.sched in (None, *schedules.names())
    for shape in (FASHION, (3, 32, 32)):
        model = models.build(name, shape, 7)
        assert model(torch.rand(2, *shape)).shape == (2, 7)


@pytest.mark.parametrize("name", models.names())
def test_every_model_learns_at_its_defaults(name: str) -> None:
    """Ten classes, each a pattern of its own under noise: a few steps must bring the loss well below log(10)."""
    lr, _, opt, _ = models.defaults(name)
    torch.manual_seed(0)
    shape = (1, 12, 12)
    patterns = torch.rand(10, *shape)
    y = torch.arange(10).repeat(3)
    x = (patterns[y] + torch.rand(30, *shape)) / 2
    model = models.build(name, shape, 10)
    optimizer = optimizers.get(opt)(model.parameters(), lr)
    loss = torch.tensor(torch.inf)
    for _ in range(60):
        if loss.item() < 1.0:
            break
        loss = F.cross_entropy(model(x), y)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()
    assert loss.item() < 1.0


def test_no_model_s_defaults_import_torch() -> None:
    code = """
import sys
from miniai import models
assert all(models.defaults(name).bs for name in models.names())
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def test_the_mlp_has_one_hidden_layer_of_50() -> None:
    model = models.build("mlp", FASHION, 10)
    assert [type(m) for m in model.children()] == [nn.Flatten, nn.Linear, nn.ReLU, nn.Linear]
    assert parameters(model) == (784 + 1) * 50 + (50 + 1) * 10
    assert models.defaults("mlp") == (0.2, 1024, "sgd", None)


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


@pytest.mark.parametrize("name", ["convbn", "resnet", "resnet_small"])
@settings(max_examples=8, deadline=None)
@given(st.integers(1, 4), st.integers(1, 80), st.integers(1, 80), st.integers(1, 12))
def test_nets_that_end_in_a_mean_take_images_of_any_size(
    name: str, channels: int, height: int, width: int, classes: int
) -> None:
    model = models.build(name, (channels, height, width), classes).eval()
    with torch.no_grad():
        assert model(torch.rand(1, channels, height, width)).shape == (1, classes)


@pytest.mark.parametrize("name", ["convbn", "resnet", "resnet_small"])
def test_initialised_nets_are_the_same_for_the_same_seed_and_start_near_chance(name: str) -> None:
    x = torch.rand(64, *FASHION)
    outputs = []
    for seed in (5, 5, 6):
        torch.manual_seed(seed)
        model = models.build(name, FASHION, 10)
        outputs.append(model.eval()(x).detach())
    assert torch.equal(outputs[0], outputs[1])
    assert not torch.equal(outputs[0], outputs[2])
    assert F.cross_entropy(outputs[0], torch.arange(64) % 10).item() < 5
    blocks = [list(m.children())[:2] for m in model.modules() if isinstance(m, nn.Sequential)]
    normed = [b[0] for b in blocks if len(b) == 2 and isinstance(b[1], nn.BatchNorm2d)]
    assert normed
    assert all(isinstance(m, nn.Conv2d) and m.bias is None for m in normed)


def test_a_last_batch_of_one_image_can_be_trained() -> None:
    """Batch norm needs more than one value a channel: the nets keep more than one pixel before every norm."""
    for name in ("convbn", "resnet", "resnet_small"):
        model = models.build(name, FASHION, 10).train()
        assert model(torch.rand(1, *FASHION)).shape == (1, 10)


def test_sizes() -> None:
    assert parameters(models.build("convbn", FASHION, 10)) == 30_274
    small, large = (parameters(models.build(name, FASHION, 10)) for name in ("resnet_small", "resnet"))
    assert (small, large) == (306_010, 1_230_426)


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
        with pytest.raises(UsageError, match="conv, convbn, mlp, resnet, resnet_small"):
            call(name)


def test_a_model_is_found_by_its_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tiny.py").write_text("raise RuntimeError('names() must not import me')")
    (tmp_path / "_helper.py").touch()
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(tmp_path)])
    assert "tiny" in models.names()
    assert "_helper" not in models.names()
