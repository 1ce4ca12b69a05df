"""What cbmc is asked by the words of its command: a proof, or something else. Pure.

Asked for something else, cbmc ends with 0 and prints what the project has named: texts of
properties, names of functions. Those can hold any line, also one like cbmc's own verdict.
"""

import re
from collections.abc import Sequence

_ELSE = re.compile(
    r"--(show-|list-|cover|preprocess|test-preprocessor|program-only|dimacs|outfile|export-"
    r"|version|help).*|-h|-\?"
)


def something_else(words: Sequence[str]) -> str:
    """The first word by which cbmc is asked for something else than a proof; "" for none."""
    return next(filter(_ELSE.fullmatch, words), "")
