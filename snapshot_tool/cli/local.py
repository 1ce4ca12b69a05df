"""What the verbs of `padstone local` share: the local cloud of a folder, and its padstone.toml."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from snapshot_tool.errors import FailedError, NotFoundError

if TYPE_CHECKING:
    from local_cloud import LocalCloud

ACCOUNTS = ("tools", "beta", "prod")
FOLDER = Path(".local-cloud")
_EXAMPLES = Path(__file__).parents[2] / "examples" / "projects"

directory_option = click.option(
    "--directory",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    default=FOLDER,
    show_default=True,
    help="Where the local cloud keeps everything.",
)


@contextmanager
def told() -> Iterator[None]:
    """Turn the local cloud's own error into one of ours."""
    from local_cloud import LocalCloudError

    try:
        yield
    except LocalCloudError as error:
        raise FailedError(str(error), where="local cloud") from error


def running(directory: Path) -> LocalCloud:
    """Return the local cloud that runs in a folder; NotFoundError if none does."""
    from local_cloud import LocalCloud

    with told():
        cloud = LocalCloud.attach(directory)
    if cloud is None:
        raise NotFoundError(
            "no local cloud runs here", where=str(directory), fix="start one: padstone local up"
        )
    return cloud


def write_config(directory: Path) -> Path:
    """Write padstone.toml and its parameter files into a folder; what is there stays."""
    config = directory / "padstone.toml"
    for name in ACCOUNTS:
        if (_EXAMPLES / f"{name}.json").is_file() and not (directory / f"{name}.json").exists():
            shutil.copyfile(_EXAMPLES / f"{name}.json", directory / f"{name}.json")
    if not config.exists():
        config.write_text(_config(directory), encoding="utf-8")
    return config


def plant_sources(cloud: LocalCloud) -> None:
    """Make the repositories that the example tools parameters name, once; needs the checkout."""
    try:
        from demo import sources
    except ModuleNotFoundError:
        return
    file = _EXAMPLES / "tools.json"
    if not (cloud.repository("example/padstone") / ".git").exists():
        sources.plant_from(file, cloud.repository)


def _config(directory: Path) -> str:
    tables = ("tools", *(f"accounts.{name}" for name in ACCOUNTS if name != "tools"))
    return "\n".join(['region = "us-west-2"\n', *(_table(directory, table) for table in tables)])


def _table(directory: Path, table: str) -> str:
    name = table.rpartition(".")[2]
    lines = [f"[{table}]", f'profile = "{name}"']
    if (directory / f"{name}.json").exists():
        lines.append(f'parameters = "{name}.json"')
    return "\n".join([*lines, ""])
