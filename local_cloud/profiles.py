"""Profiles of the local cloud, in files of its own: the operator's ~/.aws is never touched."""

import configparser
import fcntl
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_cloud.directory import Layout, write_private


def write_profile(
    layout: Layout, profile: str, *, key: str, secret: str, region: str, endpoint: str
) -> None:
    """Adds or replaces one profile, readable by the owner of the files only."""
    settings = {"region": region, "endpoint_url": endpoint, "output": "json", "cli_pager": ""}
    section = profile if profile == "default" else f"profile {profile}"
    keys = {"aws_access_key_id": key, "aws_secret_access_key": secret}
    with _one_at_a_time(layout):
        _put(layout.config, section, settings)
        _put(layout.credentials, profile, keys)


def move_profiles(layout: Layout, endpoint: str) -> None:
    """Points every profile to the endpoint of the server that now runs."""
    with _one_at_a_time(layout):
        parser = _read(layout.config)
        for section in parser.sections():
            parser[section]["endpoint_url"] = endpoint
        write_private(layout.config, _text(parser))


def ensure_files(layout: Layout) -> None:
    """Creates the two files empty, so that no tool falls back to the operator's."""
    for path in (layout.config, layout.credentials):
        if not path.exists():
            write_private(path, "")


def profiles(layout: Layout) -> dict[str, str]:
    """Access keys by profile."""
    parser = _read(layout.credentials)
    return {name: parser[name]["aws_access_key_id"] for name in parser.sections()}


@contextmanager
def _one_at_a_time(layout: Layout) -> Iterator[None]:
    """Two that add profiles at once, threads or processes, must not lose one another's."""
    with (layout.config.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _put(path: Path, section: str, values: dict[str, str]) -> None:
    parser = _read(path)
    parser[section] = values
    write_private(path, _text(parser))


def _read(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(path, encoding="utf-8")
    return parser


def _text(parser: configparser.ConfigParser) -> str:
    out = io.StringIO()
    parser.write(out)
    return out.getvalue()
