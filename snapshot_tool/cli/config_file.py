"""Where padstone.toml is, and reading it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from snapshot_tool.cli.world import World
from snapshot_tool.errors import BadInputError
from snapshot_tool.model.config import Config

NAME = "padstone.toml"
VARIABLE = "PADSTONE_CONFIG"


def read_config(world: World, stated: Path | None) -> Config:
    """Read the configuration that was stated, or the first one that is found.

    Looked for in this order: `--config`, $PADSTONE_CONFIG, ./padstone.toml,
    ~/.config/padstone/padstone.toml. Paths in the file are relative to its folder.
    """
    path = _find(world, stated)
    return Config.parse(read_text(path), name=str(path), locate=lambda text: _locate(path, text))


def read_text(path: Path) -> str:
    """Read a text file that the user named; BadInputError says why it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadInputError("not a text file (UTF-8)", where=str(path)) from error
    except OSError as error:
        raise BadInputError(
            error.strerror or str(error), where=str(path), fix="name a file that can be read"
        ) from error


def _find(world: World, stated: Path | None) -> Path:
    if named := stated or _from_environment(world):
        return named
    places = list(_places(world))
    for path in places:
        if path.is_file():
            return path
    raise BadInputError(
        f"there is no {NAME}; looked for {' and '.join(map(str, places))}",
        fix=f"write one ([tools] profile = ..., [accounts.NAME] profile = ...), or name it with"
        f" --config or {VARIABLE}",
    )


def _from_environment(world: World) -> Path | None:
    named = world.environ.get(VARIABLE, "")
    return world.folder / named if named else None


def _places(world: World) -> Iterator[Path]:
    yield world.folder / NAME
    yield world.home / ".config" / "padstone" / NAME


def _locate(config: Path, text: str) -> str:
    return str(config.parent / Path(text).expanduser())
