"""A status is one that GitHub takes, whatever a project or AWS said: else `pending` stayed."""

import pytest

from proof_ci.model.messages import StatusUpdate, proof_status, summary_of
from proof_ci.model.run import Run

from .fakes import DELIVERY, REPOSITORY, SHA

RUN = Run(DELIVERY, REPOSITORY, SHA, "refs/heads/main", "push")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("two\n lines\t and\r more", "two lines and more"),
        ("a\x00b\x1b[31m\u202ec\u2028d", "a?b?[31m?c d"),
        ("\U0001f41b in a folder's name", "? in a folder's name"),
        ("lone \ud83d half", "lone ? half"),
        ("caf\u00e9 \u4e2d\uff01", "caf\u00e9 \u4e2d\uff01"),
        ("x" * 141, "x" * 137 + "..."),
        ("\U0001f41b" * 200, "?" * 137 + "..."),
        ("", ""),
    ],
)
def test_a_description_is_one_line_of_what_github_takes(said: str, told: str) -> None:
    """It answers 422 to four-byte characters and to more than 140."""
    for update in (
        summary_of(RUN, "error", said, "https://reports.example/x"),
        proof_status(RUN, "a", "error", said, ""),
    ):
        assert update.description == told
        assert StatusUpdate.from_message(update.to_message()) == update
