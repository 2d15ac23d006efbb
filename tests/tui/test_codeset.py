"""What the locale's variables say of the terminal's characters."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.codeset import named_codeset, why_not_utf8

LATIN = {"LC_ALL": "en_US.ISO-8859-1"}


@pytest.mark.parametrize(
    ("locale", "codeset"),
    [
        ("", ""), ("C", ""), ("POSIX", ""), ("en_US", ""), ("UTF-8", ""), ("sr_RS@latin", ""), ("C.UTF-8", "UTF-8"),
        ("en_US.utf8", "utf8"), ("en_US.ISO-8859-1", "ISO-8859-1"), ("ja_JP.eucJP", "eucJP"),
        ("de_DE@euro", "ISO-8859-15"), ("de_DE.UTF-8@euro", "UTF-8"), ("de_DE.ISO-8859-15@euro", "ISO-8859-15"),
    ],
)  # fmt: skip
def test_the_codeset_of_a_locale(locale: str, codeset: str) -> None:
    assert named_codeset(locale) == codeset


@pytest.mark.parametrize(
    "environment",
    [
        {}, {"LC_ALL": "C"}, {"LANG": "POSIX"}, {"LANG": "de_DE"}, {"LANG": "en_US.UTF-8"}, {"LC_CTYPE": "UTF-8"},
        {"LC_ALL": "de_DE.utf8@euro"}, {"LC_ALL": "C", "LANG": "ja_JP.eucJP"}, {"LC_MESSAGES": "ja_JP.eucJP"},
        {"LC_CTYPE": "C.UTF-8", "LANG": "en_US.ISO-8859-1"}, {"LC_ALL": "", "LANG": "C.UTF-8"},
    ],
)  # fmt: skip
def test_what_names_no_other_codeset_is_taken_as_utf8(environment: dict[str, str]) -> None:
    assert why_not_utf8(environment) == ""


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        (LATIN, "LC_ALL"), ({"LC_CTYPE": "ja_JP.eucJP"}, "LC_CTYPE"), ({"LANG": "de_DE@euro"}, "LANG"),
        ({"LANG": "xx_YY.no-such-codeset"}, "LANG"), ({"LC_ALL": "", "LC_CTYPE": "", "LANG": "zh_CN.GB18030"}, "LANG"),
        ({"LC_ALL": "ru_RU.KOI8-R", "LC_CTYPE": "C.UTF-8", "LANG": "C.UTF-8"}, "LC_ALL"),
        ({"LC_CTYPE": "en_US.ISO-8859-1", "LANG": "C.UTF-8"}, "LC_CTYPE"),
    ],
)  # fmt: skip
def test_another_codeset_is_the_reason_and_it_says_what_to_set(environment: dict[str, str], name: str) -> None:
    said = why_not_utf8(environment)
    assert said.startswith(f"{name}={environment[name]} says")
    assert f"set {name}=C.UTF-8" in said
    assert why_not_utf8({**environment, name: "C.UTF-8"}) == ""


def test_what_is_said_of_a_hostile_name_is_harmless_and_short() -> None:
    said = why_not_utf8({"LANG": "x.\x1b]0;a\x07" + "y" * 1000})
    assert "\x1b" not in said
    assert len(said) < 200


@given(st.sampled_from(["latin-1", "euc_jp", "cp1251", "utf_8", "big5", "ascii"]), st.sampled_from(["", "@euro", "@x"]))
def test_every_spelling_of_a_codeset(codec: str, modifier: str) -> None:
    for name in {codec, codec.upper(), codec.replace("_", "-"), codecs.lookup(codec).name}:
        assert bool(why_not_utf8({"LANG": f"xx_YY.{name}{modifier}"})) == (codec != "utf_8")
