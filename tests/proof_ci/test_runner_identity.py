"""A proof is the same proof only where all that could matter is the same."""

from pathlib import Path

import pytest

from proof_ci.runner.identity import identity, plain

GOTO = b"\x7fGBF one"
WORDS = ("cbmc", "a.goto", "--unwind", "3")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A proof's, with its goto binary."""
    (tmp_path / "a.goto").write_bytes(GOTO)
    return tmp_path


def of(directory: Path, *words: str, **other: str) -> str:
    usual = {"expected": "SUCCESSFUL", "layout": "cbmc-proof.txt", "tools": "t"}
    return identity(words or WORDS, directory, **{**usual, **other})


def test_the_same_proof_has_the_same_identity(directory: Path) -> None:
    """Whatever its goto binary is called."""
    (directory / "b.goto").write_bytes(GOTO)
    assert len(of(directory)) == 64
    assert of(directory) == of(directory, "cbmc", "b.goto", "--unwind", "3")


def test_each_thing_that_may_matter_changes_the_identity(directory: Path) -> None:
    """The binary, a word, a word's place, the expectation, the layout, the tools."""
    found = [
        of(directory),
        of(directory, "cbmc", "a.goto", "--unwind", "4"),
        of(directory, "cbmc", "a.goto", "3", "--unwind"),
        of(directory, "cbmc", "--unwind", "3", "a.goto"),
        of(directory, expected="FAILED"),
        of(directory, layout="cbmc-batch.yaml"),
        of(directory, tools="u"),
    ]
    (directory / "a.goto").write_bytes(GOTO + b" more")
    found.append(of(directory))
    assert len({each for each in found if len(each) == 64}) == len(found)


@pytest.mark.parametrize(
    "words",
    [
        ("cbmc",),
        ("cbmc", "--unwind", "3"),
        ("cbmc", "a.goto", "a.goto"),
        ("cbmc", "a.goto", "main"),
        ("cbmc", "a.goto", "--function=main"),
        ("cbmc", "a.goto", "--function=gone/main"),
        ("cbmc", "a.goto", "broken"),
        ("cbmc", "./a.goto", "a.goto"),
        ("cbmc", "link"),
        ("cbmc", "main"),
        ("cbmc", "folder"),
        ("cbmc", "a.goto", "x" * 300),
        ("cbmc", "a.goto", "\x00"),
    ],
)
def test_a_proof_that_may_rest_on_another_file_has_none(
    directory: Path, words: tuple[str, ...]
) -> None:
    """No file, two files, a link, or what is no goto binary; a flag's value may be a file too."""
    (directory / "main").write_text("int main;")
    (directory / "folder").mkdir()
    (directory / "link").symlink_to("a.goto")
    (directory / "broken").symlink_to("nowhere")
    assert of(directory, *words) == ""


def test_a_proof_of_tools_that_are_not_known_has_none(directory: Path) -> None:
    """Outside of a job nobody says which they are."""
    assert of(directory, tools="") == ""


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("cbmc a.goto --unwind 3", WORDS),
        ("  cbmc 'a.goto'  --unwind  '3'", WORDS),
        ("", ()),
        ("cbmc a.goto > log", ()),
        ("cbmc $(GOTO)", ()),
        ("cbmc a.goto; true", ()),
        ("cbmc a.goto\ntrue", ()),
        ("cbmc a*.goto", ()),
        ("cbmc 'a.goto", ()),
        ("goto-cc a.goto", ()),
        ("A=1 cbmc a.goto", ()),
        ("./cbmc a.goto", ()),
    ],
)
def test_only_plain_words_that_run_cbmc_are_plain(command: str, words: tuple[str, ...]) -> None:
    """What a shell would make of anything else is not known beforehand."""
    assert plain(command) == words
