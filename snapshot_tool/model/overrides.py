"""Package overrides: which package a snapshot takes instead of the newest build.

    {"cbmc": "cbmc-20200128-142813-dbac9633.tar.gz"}

Keys are tools (and images, whose values are digests); whether there is such a tool or file is for
`packages` to say, which knows what is in the shared bucket.
"""

from __future__ import annotations

from snapshot_tool.errors import BadInputError
from snapshot_tool.model import canonical


def parse_overrides(body: bytes | str, name: str) -> dict[str, str]:
    """Read an overrides file called `name`; raise BadInputError for all that is wrong at once."""
    data = canonical.load_object(body, name=name)
    wrong = sorted(key for key, value in data.items() if not isinstance(value, str) or not value)
    if wrong:
        raise BadInputError(
            f"{', '.join(wrong)}: a package file name is expected",
            where=name,
            fix='write it like {"cbmc": "cbmc-20200128-142813-dbac9633.tar.gz"}',
        )
    return {key: str(value) for key, value in data.items()}
