"""Sceptre, in a virtual environment of its own: its requirements are none of the project's."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from bench.lab import BUILD, Account, Lab
from bench.run import NotMeasuredError, Ran, run
from bench.stacks import six

VERSION = "4.7.0"


def install() -> Path:
    """Return the command, installed if it is not yet; NotMeasuredError if that cannot be."""
    home = BUILD / f"sceptre-{VERSION}"
    program = home / "bin" / "sceptre"
    if program.exists():
        return program
    uv = Path(sys.executable).parent / "uv"
    commands = [
        [str(uv), "venv", "--quiet", "--clear", "--python", sys.executable, str(home)],
        [
            *(str(uv), "pip", "install", "--quiet", "--python", str(home / "bin" / "python")),
            *("--only-binary", ":all:", "--no-binary", "sceptre", f"sceptre=={VERSION}"),
        ],
    ]
    BUILD.mkdir(parents=True, exist_ok=True)
    for command in commands:
        try:
            run(command, environment=os.environ, folder=BUILD)
        except NotMeasuredError as error:
            raise NotMeasuredError(f"Sceptre {VERSION} cannot be installed: {error}") from error
    return program


def write_project(lab: Lab) -> Path:
    """Write the six stacks as a Sceptre project, its values wired by `!stack_output`."""
    folder = lab.folder / "sceptre"
    group = folder / "config" / "six"
    group.mkdir(parents=True, exist_ok=True)
    (folder / "templates").mkdir(exist_ok=True)
    (folder / "config" / "config.yaml").write_text("project_code: bench\nregion: us-west-2\n")
    givers = {key: one.name for one in six("0" * 12) for key in one.template["Outputs"]}
    for stack in six("0" * 12):
        (folder / "templates" / f"{stack.name}.json").write_text(stack.body)
        lines = ["template:", f"  path: {stack.name}.json", "  type: file"]
        if stack.wired:
            lines.append("parameters:")
            lines += [f"  {k}: !stack_output six/{givers[k]}.yaml::{k}" for k in stack.wired]
        (group / f"{stack.name}.yaml").write_text("\n".join(lines) + "\n")
    return folder


def launch(lab: Lab, account: Account, program: Path, project: Path) -> Ran:
    """`sceptre launch` of all stacks."""
    return lab.tool([str(program), "launch", "--yes", "six"], profile=account.name, folder=project)
