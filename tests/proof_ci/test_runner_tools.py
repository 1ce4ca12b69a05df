"""The versions of tools, as an outcome tells them."""

import os
from pathlib import Path

from proof_ci.runner.tools import versions


def package(top: Path, metadata: str = "") -> dict[str, str]:
    """A package with a viewer that says another version than its metadata; the environment."""
    viewer = top / "bin" / "cbmc-viewer"
    viewer.parent.mkdir(parents=True)
    viewer.write_text("#!/bin/sh\necho asked\n")
    viewer.chmod(0o755)
    top.chmod(0o755)
    if metadata:
        (top / "lib" / metadata).mkdir(parents=True)
    return {"PATH": os.pathsep.join([str(viewer.parent), os.defpath])}


def test_a_tool_with_metadata_in_its_package_is_not_started_for_its_version(place: Path) -> None:
    """Python's start would take longer than the rest of the question."""
    environment = package(place / "viewer", "cbmc_viewer-3.12.dist-info")
    told = versions(environment, place)
    assert told["cbmc-viewer"] == "3.12"
    assert "Make" in told["make"]


def test_a_tool_without_metadata_is_asked(place: Path) -> None:
    """Whatever it is made of, its version is known."""
    told = versions(package(place / "viewer"), place)
    assert told["cbmc-viewer"] == "asked"
