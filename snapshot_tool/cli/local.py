"""What the verbs of `padstone local` share: the local cloud of a folder, and its padstone.toml."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from snapshot_tool.cli.config_file import VARIABLE
from snapshot_tool.cli.world import World
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


nearest_option = click.option(
    "--directory",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help=f"Where it keeps everything; else {FOLDER} here or in a folder above, or where"
    f" {VARIABLE} is.",
)


@contextmanager
def told() -> Iterator[None]:
    """Turn the local cloud's own error into one of ours."""
    from local_cloud import LocalCloudError

    try:
        yield
    except LocalCloudError as error:
        raise FailedError(str(error), where="local cloud") from error


def running(world: World, directory: Path | None) -> LocalCloud:
    """Return the local cloud of a folder (None: the nearest); NotFoundError if none runs."""
    if cloud := find(world, directory):
        return cloud
    raise NotFoundError(
        "no local cloud runs here",
        where=" and ".join(map(str, places(world, directory))),
        fix="start one: padstone local up, or name the folder of one that runs: --directory DIR",
    )


def find(world: World, directory: Path | None) -> LocalCloud | None:
    """Return the local cloud that runs in a folder (None: the nearest), if any does."""
    from local_cloud import LocalCloud

    with told():
        found = (LocalCloud.attach(place) for place in places(world, directory))
        return next((cloud for cloud in found if cloud), None)


def places(world: World, directory: Path | None) -> list[Path]:
    """Return where a local cloud is looked for.

    The folder that is stated, and no other; else here, above, and beside the configuration that
    `padstone local env` has named.
    """
    if directory:
        return [directory]
    folders = [world.folder / FOLDER, *(above / FOLDER for above in world.folder.parents)]
    there = [folder for folder in folders if folder.is_dir()] or folders[:1]
    named = world.environ.get(VARIABLE, "")
    return list(dict.fromkeys([*there, *([(world.folder / named).parent] if named else [])]))


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
