"""What the verbs of `padstone local` share: the local cloud of a folder, and its padstone.toml."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from snapshot_tool.cli.config_file import NAME, VARIABLE
from snapshot_tool.cli.world import World
from snapshot_tool.errors import ConflictError, FailedError, NotFoundError

if TYPE_CHECKING:
    from local_cloud import LocalCloud

ACCOUNTS = ("tools", "beta", "prod")
FOLDER = Path(".local-cloud")
CHECKOUT = Path(__file__).resolve().parents[2]
"""The folder of the CDK app."""
_EXAMPLES = CHECKOUT / "examples" / "projects"
_GITHUB = re.compile(r"http://127\.0\.0\.1:\d+/_github\b")
IN_THE_WAY = (
    *("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN"),
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
)

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


def up(directory: Path, *, auth: bool = False, persist: bool = False) -> LocalCloud:
    """Start the local cloud of a folder with its accounts, unless it runs; ConflictError if the one
    that runs does not enforce IAM as it is asked to.
    """
    from local_cloud import LocalCloud

    with told():
        cloud = LocalCloud.attach(directory)
        if cloud and auth and not cloud.auth:
            raise ConflictError(
                "a local cloud that does not enforce IAM runs here",
                where=str(directory),
                fix="stop it first (padstone local down), or take another --directory",
            )
        cloud = cloud or LocalCloud.start(directory, auth=auth, persist=persist, detached=True)
        for name in ACCOUNTS:
            cloud.add_account(name)
    _write_config(cloud)
    _plant_sources(cloud)
    return cloud


def next_step(directory: Path) -> str:
    """Return the command that points a shell to the local cloud of a folder."""
    flag = "" if directory == FOLDER else f" --directory {directory}"
    return f'eval "$(padstone local env{flag})"'


def variables(cloud: LocalCloud, profile: str | None = None) -> dict[str, str]:
    """Return what points padstone, aws and cdk to a local cloud."""
    return {**cloud.environment(profile), VARIABLE: str(cloud.directory / NAME)}


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


def _write_config(cloud: LocalCloud) -> None:
    """Write padstone.toml and its parameter files into its folder; what is there stays."""
    config = cloud.directory / NAME
    for name in ACCOUNTS:
        if (_EXAMPLES / f"{name}.json").is_file():
            _write_parameters(cloud, name)
    if not config.exists():
        config.write_text(_config(cloud.directory), encoding="utf-8")


def _write_parameters(cloud: LocalCloud, name: str) -> None:
    file = cloud.directory / f"{name}.json"
    if file.exists():
        text = file.read_text(encoding="utf-8")  # it may have been started on another port before
        file.write_text(_GITHUB.sub(cloud.github, text), encoding="utf-8")
        return
    example = json.loads((_EXAMPLES / file.name).read_text(encoding="utf-8"))
    if name != "tools":
        example["GitHubApiUrl"] = cloud.github
    file.write_text(json.dumps(example, indent=4) + "\n", encoding="utf-8")


def _plant_sources(cloud: LocalCloud) -> None:
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
