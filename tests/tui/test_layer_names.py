"""Names of layers that fit and can be told apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from miniai.run.events import Layer
from tui.panes import layer_names as module
from tui.panes.layer_names import full_name, middle, names

BLOCK = [
    ("convs.0.0", "Conv2d", "16>32"), ("convs.0.1", "BatchNorm2d", "32"), ("convs.0.2", "GeneralRelu", ""),
    ("convs.1.0", "Conv2d", "32>32"), ("convs.1.1", "BatchNorm2d", "32"), ("pool", "AvgPool2d", ""),
    ("idconv.0", "Conv2d", "16>32"), ("act", "GeneralRelu", ""),
]  # fmt: skip
RESIDUAL = [Layer(f"{i}.{name}", kind, shape) for i in (0, 2, 3) for name, kind, shape in BLOCK]
RESIDUAL.append(Layer("8", "Linear", "128>10"))
DEEP = [
    Layer(f"model.encoder.layers.{i}.{part}", kind, "512>512")
    for i in range(12)
    for part, kind in (
        ("self_attn.out_proj", "NonDynamicallyQuantizableLinear"), ("linear1", "Linear"), ("norm1", "LayerNorm"),
        ("linear2", "Linear"), ("norm2", "LayerNorm"),
    )
]  # fmt: skip


def shown(layers: list[Layer], limit: int) -> list[str]:
    found = names(layers, limit)
    assert len({cell_len(name) for name in found}) == 1
    assert cell_len(found[0]) <= limit + 1
    assert all(name.endswith(" ") for name in found)
    return [name.rstrip() for name in found]


@pytest.mark.parametrize("layers", [RESIDUAL, DEEP])
@pytest.mark.parametrize("limit", [14, 15, 17, 20, 24, 30, 60])
def test_shortened_names_differ_and_none_loses_its_kind(layers: list[Layer], limit: int) -> None:
    found = shown(layers, limit)
    assert len({name.split()[0] for name in found}) == len(layers)
    assert all(len(name.split()) >= 2 for name in found)


def test_what_is_shortened_first() -> None:
    assert shown(RESIDUAL, 40)[1] == "0.convs.0.1 BatchNorm2d 32"
    assert shown(RESIDUAL, 29)[1] == "0.convs.0.1 BN     32"
    assert shown(RESIDUAL, 20)[1] == "0.convs.0.1 BN"
    assert shown(RESIDUAL, 17)[:7:3] == ["0.conv.0.0 Conv", "0.conv.1.0 Conv", "0.idco.0   Conv"]
    assert shown(RESIDUAL, 14)[6:8] == ["0.i.0   Conv", "0.a     GReLU"]
    assert shown(DEEP, 90)[0] == "model.encoder.layers.0.self_attn.out_proj  NonDynamicallyQuantizableLinear 512>512"
    assert shown(DEEP, 20)[0] == "0.self.out_p  Linear"  # what all begin with says nothing


def test_paths_without_parts_keep_both_ends() -> None:
    layers = [Layer(f"the_very_long_name_of_a_layer_{i}", "MyOwnKindOfLayer") for i in range(20)]
    found = shown(layers, 16)
    assert len(set(found)) == 20
    assert all("…" in name for name in found)


def test_a_full_name_gives_way_from_its_end() -> None:
    layer = Layer("0.convs.1.1", "BatchNorm2d", "16")
    found = [full_name(layer, width) for width in (40, 25, 20, 13, 10)]
    assert found == [
        "0.convs.1.1 BatchNorm2d 16",
        "0.convs.1.1 BatchNorm2d",
        "0.convs.1.1 BN",
        "0.convs.1.1",
        "0.c…vs.1.1",
    ]
    assert full_name(Layer("0", "ReLU"), 20) == "0 ReLU"


def test_few_layers_and_odd_ones() -> None:
    assert shown([Layer("a.b.c", "Conv2d", "1>8")], 30) == ["a.b.c Conv2d 1>8"]
    assert names([], 20) == []
    assert shown([Layer("", "Conv2d", "1>8"), Layer("", "", "")], 10) == [" Conv 1>8", ""]
    evil = "\x1b[2J漢字\u202e\r\n"
    assert shown([Layer(evil * 9, evil * 9, evil * 9), Layer("0", evil, "")], 14)
    assert "\x1b" not in full_name(Layer(evil, evil, evil), 40)


@given(st.lists(st.tuples(st.text(max_size=40), st.text(max_size=30), st.text(max_size=12)), max_size=6),
       st.integers(5, 40))  # fmt: skip
def test_any_names_fit(parts: list[tuple[str, str, str]], limit: int) -> None:
    found = names([Layer(*part) for part in parts], limit)
    assert len(found) == len(parts)
    assert len({cell_len(name) for name in found}) <= 1
    assert all(cell_len(name) <= limit + 1 for name in found)


@given(st.text(max_size=60), st.integers(0, 40))
def test_the_middle_gives_way(text: str, width: int) -> None:
    short = middle(text, width)
    assert cell_len(short) <= width
    if cell_len(text) <= width:
        assert short == text
    assert middle("layers.11.self_attn", 12) == "lay…elf_attn"


@given(st.text(st.sampled_from("ab0.漢é\u0301❤\ufe0f"), max_size=80), st.integers(1, 30))
def test_the_middle_goes_and_what_is_left_fits(text: str, width: int) -> None:
    short = middle(text, width)
    assert cell_len(short) <= width
    assert short == text or "…" in short


def test_hundreds_of_long_names_without_a_short_form_are_measured_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """The screen stands still meanwhile."""
    calls: list[str] = []

    def measured(text: str) -> int:
        calls.append(text)
        return cell_len(text)

    monkeypatch.setattr(module, "cell_len", measured)
    layers = [Layer("1x" * 97 + f"{i:04}", "Linear", "8>16") for i in range(100)]
    found = names(layers, 14)
    assert len(set(found)) == 100
    assert len(calls) < 100 * len(layers)
