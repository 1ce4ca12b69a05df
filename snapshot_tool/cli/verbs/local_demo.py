"""padstone local demo."""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import TYPE_CHECKING

from snapshot_tool.cli.shell import Shell
from snapshot_tool.cli.verb import Answer, verb
from snapshot_tool.errors import NotFoundError

if TYPE_CHECKING:
    from snapshot_tool.model.canonical import Json


@verb("demo", example="padstone local demo")
def command(shell: Shell) -> Answer:
    """Play a snapshot's whole life on a local cloud of its own."""
    story = _story()
    if not shell.as_json:
        return Answer(document=None, text=list, exit_code=int(story.main([])))
    with TemporaryDirectory(prefix="padstone-") as folder, redirect_stdout(sys.stderr):
        path = Path(folder, "demo.json")
        code = int(story.main(["--json", str(path)]))
        document: Json = json.loads(path.read_text()) if path.exists() else None
    return Answer(document=document, text=list, exit_code=code)


def _story() -> ModuleType:
    try:
        return import_module("demo.story")
    except ModuleNotFoundError as error:
        raise NotFoundError(
            "the demo is part of the checkout, not of the installed package",
            where="demo",
            fix="run it inside the checkout: make demo",
        ) from error
