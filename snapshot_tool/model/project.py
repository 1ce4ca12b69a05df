"""A project's own parameters: the flat JSON file that is given at the time of deployment."""

from __future__ import annotations

from snapshot_tool.errors import BadInputError
from snapshot_tool.model import canonical
from snapshot_tool.model.canonical import Json
from snapshot_tool.model.parameters import Offer, Source
from snapshot_tool.model.template import as_text

_FIX = 'write each parameter as "Name": "value", one level deep'


def parse_project(body: bytes | str, *, name: str) -> Offer:
    """Read a project parameters file; `name` is what messages call it.

    Raises BadInputError with line and column for malformed JSON, and otherwise one that names every
    value that is no text, number or true/false.
    """
    data = canonical.load_object(body, name=name)
    wrong = [f"{key}: {why}" for key, value in data.items() if (why := _complaint(key, value))]
    if wrong:
        raise BadInputError("; ".join(wrong), where=name, fix=_FIX)
    values = {key: as_text(value) for key, value in data.items()}
    return Offer(source=Source.PROJECT_FILE, where=name, values=values)


def _complaint(key: str, value: Json) -> str:
    if not key.isalnum() or not key.isascii():
        return "is no name of a parameter (letters and digits)"
    if value is None:
        return "null is no value; leave the key out to use the default"
    if isinstance(value, (str, int, float)):
        return ""
    return "text, a number, true or false is expected"
