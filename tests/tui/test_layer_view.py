"""One layer opened, line by line."""

from __future__ import annotations

import pytest

from miniai.run import events as ev
from miniai.run.packed import pack
from tests.tui.recorded import LAYERS, Recording
from tui.colors import PALETTES
from tui.panes.histogram import LABEL, histogram
from tui.panes.layer import layer_view
from tui.panes.lines import Frame
from tui.ramps import ramp
from tui.state import RunState

COLORS = PALETTES["miniai-dark"]


def after(*facts: ev.AnyFact) -> RunState:
    state = RunState()
    for fact in facts:
        state.apply(fact)
    return state


def view(state: RunState, width: int, height: int, layer: int = 2, step: int | None = None) -> list[str]:
    strips = layer_view(state, Frame(width, height, COLORS), layer, step)
    assert [s.cell_length for s in strips] == [width] * height
    return [s.text for s in strips]


@pytest.mark.parametrize(("width", "height"), [(1, 1), (20, 5), (60, 15), (76, 17), (116, 33), (196, 53), (290, 75)])
@pytest.mark.parametrize("step", [None, 1, 100, 10**6])
def test_every_size_is_filled(width: int, height: int, step: int | None) -> None:
    state = after(*Recording().until(1, 74))
    for layer in range(len(LAYERS)):
        view(state, width, height, layer, step)
    view(after(*Recording().start()), width, height, 0, step)
    view(after(*Recording(nan_at=20).until(1, 74)), width, height, 0, step)


def test_all_numbers_are_there_at_80x24() -> None:
    text = "\n".join(view(after(*Recording().until(1, 74)), 76, 17))
    for word in ("mean ", "deviation ", "near zero 45 %", "gradient 0.", "update/weight 0.0021", "outputs by size"):
        assert word in text


def measured() -> RunState:
    """A layer whose histogram has bins up to 10, at eight steps."""
    state = after(*Recording(layers=LAYERS[:1]).start())
    for step in range(1, 9):
        state.apply(ev.LayersMeasured(at=1, step=step, means=[0.1], stds=[1.0], near_zero=[0.1], nonfinite=[0]))
        state.apply(ev.HistogramsMeasured(at=1, step=step, layers=[pack([90] + [0] * 14 + [10] + [0] * 26)]))
    return state


def test_a_low_screen_shows_the_histogram_before_the_numbers() -> None:
    lines = view(measured(), 56, 9, 0)
    assert lines[2].startswith("outputs by size, over time")
    assert lines[7].strip().startswith("step 1 ")
    assert lines[8].split() == ["mean", "0.10", "deviation", "1.00", "near", "zero", "10", "%"]


def test_the_sizes_beside_the_histogram_are_whole() -> None:
    text = "\n".join(s.text for s in histogram(measured(), Frame(100, 22, COLORS), 0))
    assert "3.75 " in text
    assert "1.25 " in text


def test_a_layer_without_parameters_says_none() -> None:
    text = "\n".join(view(after(*Recording().until(1, 74)), 116, 33, layer=1))
    assert "gradient none" in text
    assert "no parameters" in text


def test_parameters_are_counted() -> None:
    layers = [ev.Layer("0", "Conv2d", "1>8", 1_234)]
    assert "0  Conv2d 1>8   1,234 parameters" in view(after(*Recording(layers=layers).until(0, 64)), 116, 33, 0)[0]


def test_the_rule_behind_the_word_is_readable() -> None:
    line = view(after(*Recording().until(1, 74)), 116, 33, layer=5)[1]
    assert line.startswith("! 97 % dead: within 0.25 of zero, 95 % or more; deviation ")


def test_health_is_of_now_wherever_the_cursor_stands() -> None:
    state = after(*Recording().until(1, 74))
    assert view(state, 116, 33, layer=5, step=40)[1].startswith("now ! 97 % dead: ")


@pytest.mark.parametrize(("width", "words"), [(116, 3), (60, 2), (50, 1)])
def test_what_does_not_fit_is_left_out_whole(width: int, words: int) -> None:
    state = after(*Recording(layers=[ev.Layer("0.convs.0", "BatchNorm2d", "16", 32)]).until(1, 74))
    lines = view(state, width, 33, 0)
    assert "…" not in "".join(lines[:3])
    assert lines[0].startswith("0.convs.0  BatchNorm2d 16   32 parameters")
    assert ("to step" in lines[0]) + ("layer 1 of 1" in lines[0]) + 1 == words
    assert lines[2].startswith("outputs by size")
    assert ("over time   none above" in lines[2]) == (width == 116)


def test_a_nan_is_a_red_cross() -> None:
    state = after(*Recording(layers=LAYERS[:1]).start())
    for step in range(1, 9):
        broken: ev.Number = "nan" if step == 4 else 0.3
        state.apply(
            ev.LayersMeasured(at=1, step=step, means=[broken], stds=[1.0], near_zero=[0.1], nonfinite=[0], grads=[1.0])
        )
    strips = layer_view(state, Frame(116, 33, COLORS), 0)
    crosses = [s for strip in strips for s in strip if "×" in s.text]
    assert len(crosses) == 1
    assert crosses[0].style is not None
    assert crosses[0].style.color is not None
    assert crosses[0].style.color.name == COLORS.wrong


def colors_of(state: RunState, step: int | None = None) -> list[list[tuple[int, int, int] | None]]:
    """The plot's pixels: two a line, each measurement once."""
    strips = histogram(state, Frame(LABEL + 8, 2 + 20, COLORS), 0, step)
    pixels: list[list[tuple[int, int, int] | None]] = []
    for strip in strips[1:21]:
        upper, lower = [], []
        for segment in strip.crop(LABEL, LABEL + 4):
            assert segment.style is not None
            fg, bg = (c and c.triplet and tuple(c.triplet) for c in (segment.style.color, segment.style.bgcolor))
            for char in segment.text:
                upper.append(fg if char == "▀" else bg)
                lower.append(bg)
        pixels += [upper, lower]  # type: ignore[list-item]
    return pixels


def test_a_histogram_s_colours_are_its_counts() -> None:
    """Up to bin 39, so 40 bins on 20 lines: the n-th pixel from below is bin n."""
    state = after(*Recording(layers=LAYERS[:1]).start())
    for step in range(1, 9):
        counts = [0] * 42
        counts[step] = 1000
        counts[39] = 1
        state.apply(ev.HistogramsMeasured(at=1, step=step, layers=[pack(counts)]))
    state.apply(ev.LayersMeasured(at=1, step=8, means=[0.1], stds=[1.0], near_zero=[0.1], nonfinite=[0]))
    strips = histogram(state, Frame(LABEL + 8, 2 + 20, COLORS), 0)
    shades = ramp("sequential", COLORS.dark, COLORS.depth)
    text = [s.text for s in strips]
    assert text[1].startswith("  10  ")
    assert text[20].startswith("   0  ")
    column = [[pixel[i] for pixel in colors_of(state)[::-1]] for i in range(4)]
    for i, pixels in enumerate(column):
        assert pixels.index(shades[-1]) == i + 1
        assert pixels.count(shades[-1]) == 1
        assert pixels[39] not in (shades[0], shades[-1])


def test_a_histogram_before_the_first_measurement_says_so() -> None:
    state = after(*Recording().start())
    state.apply(Recording().measured())
    assert "no histogram was measured yet" in histogram(state, Frame(70, 12, COLORS), 0)[0].text


def test_what_lies_above_is_said() -> None:
    state = after(*Recording(layers=LAYERS[:1]).start())
    state.apply(ev.HistogramsMeasured(at=1, step=5, layers=[pack([90] + [0] * 39 + [10, 0])]))
    assert "% above 10 at the last" in histogram(state, Frame(100, 12, COLORS), 0)[0].text
    assert "about 9.5 %" in histogram(state, Frame(100, 12, COLORS), 0)[0].text
    state.apply(ev.HistogramsMeasured(at=2, step=9, layers=[pack([0] * 40 + [10, 0])]))
    assert "about 100 % above 10" in histogram(state, Frame(100, 12, COLORS), 0)[0].text
