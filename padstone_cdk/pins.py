"""What a snapshot fixes and a template states as literals."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CONTEXT_KEY = "padstone:pins"

_ID = re.compile(r"\d{8}-\d{6}(-\d{2})?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_KEY = re.compile(r"packages/[a-z][a-z0-9-]*/[A-Za-z0-9._-]+")


class PinsError(ValueError):
    """The pins in the CDK context are missing, incomplete or malformed."""


@dataclass(frozen=True, kw_only=True)
class Package:
    """One version of one object under `packages/` in the shared bucket, and its digest."""

    key: str
    version_id: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Pins:
    """The snapshot's ID, its packages by tool and its image digests by name."""

    snapshot_id: str
    packages: Mapping[str, Package] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)

    def package(self, tool: str) -> Package:
        """Return the pinned package of a tool; PinsError if there is none."""
        if tool not in self.packages:
            raise PinsError(f"{CONTEXT_KEY}: no package of {tool} is pinned; build it first")
        return self.packages[tool]

    def image(self, name: str) -> str:
        """Return the digest of an image; PinsError if none is pinned."""
        if name not in self.images:
            raise PinsError(f"{CONTEXT_KEY}: no image {name} is pinned; build it first")
        return self.images[name]

    @classmethod
    def from_context(cls, value: object) -> Pins:
        """Read the context value: an object, or the path of a JSON file that holds one."""
        if isinstance(value, str):
            value = json.loads(Path(value).read_text(encoding="utf-8"))
        if not isinstance(value, Mapping):
            raise PinsError(f"{CONTEXT_KEY}: an object, or the path of a JSON file, is expected")
        packages, images = value.get("packages", {}), value.get("images", {})
        return cls(
            snapshot_id=_text(value, "snapshot_id", _ID),
            packages={str(tool): _package(str(tool), entry) for tool, entry in packages.items()},
            images={
                str(name): _text(entry, "digest", _DIGEST, f"images.{name}.")
                for name, entry in images.items()
            },
        )


def _package(tool: str, entry: Mapping[str, Any]) -> Package:
    path = f"packages.{tool}."
    return Package(
        key=_text(entry, "key", _KEY, path),
        version_id=_text(entry, "version_id", re.compile(r"\S+"), path),
        sha256=_text(entry, "sha256", _SHA256, path),
    )


def _text(entry: object, key: str, pattern: re.Pattern[str], path: str = "") -> str:
    text = entry.get(key) if isinstance(entry, Mapping) else None
    if not isinstance(text, str) or not pattern.fullmatch(text):
        raise PinsError(f"{CONTEXT_KEY}: {path}{key}: {text!r} does not match {pattern.pattern}")
    return text
