"""A project's texts are shown as text, and its files are looked at without going anywhere."""

import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proof_ci.runner import foreign
from proof_ci.runner.identity import plain as words
from proof_ci.runner.plain import MARK, line, lines


@given(st.text())
def test_every_line_is_marked_and_visible(text: str) -> None:
    """Nothing moves the cursor, ends a line unseen, hides or reverses anything."""
    shown = lines(text)
    assert all(each.startswith(MARK) for each in shown.removesuffix("\n").split("\n"))
    assert all(
        unicodedata.category(each)[0] != "C" and unicodedata.category(each) not in ("Zl", "Zp")
        for each in shown
        if each not in "\n\t"
    )


@given(st.text())
def test_a_reason_is_one_short_line(text: str) -> None:
    """However long the text is, and whatever is in it."""
    shown = line(text)
    assert len(shown) <= 500
    assert "\n" not in shown
    assert shown.isprintable()


def test_plain_text_stays_as_it_is() -> None:
    """Also where it is of another language."""
    assert lines("für \t✓ ж\nzwei\n") == "| für \t✓ ж\n| zwei\n"


@given(st.text())
def test_only_cbmc_with_plain_words_is_plain(text: str) -> None:
    """No shell would do anything else with them."""
    found = words(text)
    assert found == () or (found[0] == "cbmc" and not set(text) & set(";&|<>()$`\n"))


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path) -> None:
    """Neither a link nor a pipe, which would be waited for, nor a folder."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "."):
        with pytest.raises(OSError, match=r"regular|symbolic"), foreign.opened(tmp_path / name):
            raise AssertionError
    assert foreign.text(tmp_path / "file", 1) == "x"
    with pytest.raises(ValueError, match="more than 0 bytes"):
        foreign.text(tmp_path / "file", 0)


@pytest.mark.parametrize(
    ("bounds", "kept", "said"),
    [
        (foreign.Bounds(files=1), ["a"], "more than 1 files"),
        (foreign.Bounds(bytes=12), ["a", "b"], "more than 12 bytes"),
        (foreign.Bounds(depth=1), ["a", "b"], ""),
        (foreign.Bounds(), ["a", "b", "c/d/e"], ""),
    ],
)
def test_a_folder_is_kept_within_bounds(
    tmp_path: Path, bounds: foreign.Bounds, kept: list[str], said: str
) -> None:
    """What is beyond them is told."""
    made, copy = tmp_path / "made", tmp_path / "copy"
    (made / "c" / "d").mkdir(parents=True)
    for name in ("a", "b", "c/d/e"):
        (made / name).write_text("12345")
    told = foreign.keep(made, copy, within=[tmp_path], bounds=bounds)
    found = sorted(p.relative_to(copy).as_posix() for p in copy.rglob("*") if p.is_file())
    assert found == kept
    assert said in "".join(told)


def test_a_folder_outside_of_the_project_is_not_kept(tmp_path: Path) -> None:
    """Even if a link in the project leads to it."""
    outside, own = tmp_path / "outside", tmp_path / "own"
    outside.mkdir()
    own.mkdir()
    (outside / "secret").write_text("x")
    (own / "report").symlink_to(outside)
    told = foreign.keep(own / "report", tmp_path / "copy", within=[own])
    assert told == ("report leads out of the project",)
    assert not (tmp_path / "copy").exists()
