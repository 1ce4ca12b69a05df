"""The project parameters file of seed 000: flat, and every mistake in it told with its place."""

from __future__ import annotations

import pytest

from snapshot_tool.errors import BadInputError
from snapshot_tool.model.parameters import Source
from snapshot_tool.model.project import parse_project

SEED = """{
    "ProjectName": "MQTT-Beta2",
    "NotificationAddress": "notification@email.com",
    "SIMAddress": "notification@email.com",
    "GitHubRepository": "eidelmanjonathan/amazon-freertos",
    "GitHubBranchName": "master"
}"""


def test_the_file_of_the_seed_is_read_as_it_stands() -> None:
    """Flat, not keyed by account."""
    offer = parse_project(SEED, name="beta.json")
    assert offer.source is Source.PROJECT_FILE
    assert offer.where == "beta.json"
    assert offer.values["ProjectName"] == "MQTT-Beta2"


def test_scalars_are_spelled_as_cloudformation_spells_them() -> None:
    """A number or a switch needs no quotes."""
    offer = parse_project('{"MaxVcpus": 16, "Updating": true, "Ratio": 0.5}', name="x")
    assert offer.values == {"MaxVcpus": "16", "Updating": "true", "Ratio": "0.5"}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"A": "1",\n "B": }', "x.json:2:7"),
        ('{"A": "1"\n "B": "2"}', "x.json:2:2"),
        ("", "x.json:1:1"),
    ],
)
def test_malformed_json_is_told_with_line_and_column(text: str, place: str) -> None:
    """The example of the seed itself lacks a comma: the message has to say where."""
    with pytest.raises(BadInputError, match=place):
        parse_project(text, name="x.json")


@pytest.mark.parametrize("text", ["[]", '"x"', '{"A": "1", "A": "2"}', '{"A": NaN}'])
def test_what_is_no_plain_object_is_refused(text: str) -> None:
    """A key that stands twice has no value."""
    with pytest.raises(BadInputError):
        parse_project(text, name="x.json")


def test_all_values_that_cannot_be_parameters_are_told_at_once() -> None:
    """Nested objects, lists and null, and keys that are no names."""
    text = '{"111111111111": {"A": "1"}, "List": ["a"], "None": null, "not-a-name": "x", "B": "2"}'
    with pytest.raises(BadInputError) as caught:
        parse_project(text, name="x.json")
    for key in ("111111111111", "List", "None", "not-a-name"):
        assert f"{key}: " in str(caught.value)
    assert "B: " not in str(caught.value)
