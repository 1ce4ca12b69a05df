"""The app run as the CDK CLI runs it, and its templates read as the snapshot tool reads them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snapshot_tool.assembly import read
from snapshot_tool.model.assembly import AssemblyStack
from snapshot_tool.model.names import StageName

CHECKOUT = Path(__file__).resolve().parents[2]
TOOLS = ("lambda", "batch", "viewer", "cbmc", "image")
BUILDS = tuple(f"tools/build-{tool}" for tool in TOOLS)
TOOLS_STACKS = ("tools/storage", "tools/images", "tools/access", *BUILDS, "tools/alarms")
PROOF_STACKS = ("proof/storage", "proof/ci")
STACKS = (*TOOLS_STACKS, *PROOF_STACKS)

Template = dict[str, Any]


@dataclass(frozen=True)
class Synthesis:
    """The stacks of all stages of one run, by stage/id."""

    stacks: Mapping[str, AssemblyStack]

    def body(self, name: str) -> bytes:
        return self.stacks[name].body

    def template(self, name: str) -> Template:
        parsed: Template = json.loads(self.body(name))
        return parsed

    def before(self, name: str) -> set[str]:
        """Every stack that has to be there before this one."""
        stage = name.partition("/")[0]
        direct = {f"{stage}/{one}" for one in self.stacks[name].after}
        return direct.union(*(self.before(one) for one in direct))


def synthesise(folder: Path, *, checkout: Path = CHECKOUT, seed: int = 0, **more: str) -> Synthesis:
    """Run app.py of a checkout with the context of its cdk.json and what is given beside it."""
    environ = {
        **os.environ,
        "CDK_OUTDIR": str(folder),
        "CDK_CONTEXT_JSON": json.dumps({**context(checkout), **more}),
        "CDK_VALIDATION": "false",  # cfn-lint and cdk-nag look closer, once
        "PYTHONHASHSEED": str(seed),
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1",
        "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
    }
    done = subprocess.run(
        [sys.executable, str(checkout / "app.py")],
        cwd=checkout, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return Synthesis(
        {
            f"{stage}/{stack.id}": stack
            for stage in ("tools", "proof")
            for stack in read(folder, StageName(stage)).stacks
        }
    )


def context(checkout: Path = CHECKOUT) -> dict[str, Any]:
    """What the CDK CLI hands to the app of a checkout."""
    settings = json.loads((checkout / "cdk.json").read_text(encoding="utf-8"))
    kept = json.loads((checkout / "cdk.context.json").read_text(encoding="utf-8"))
    return {**settings["context"], **kept}


def copy_app(folder: Path) -> Path:
    """Copy what synthesis needs, and nothing else, to another place."""
    for name in ("app.py", "cdk.json", "cdk.context.json"):
        shutil.copy(CHECKOUT / name, folder / name)
    shutil.copytree(
        CHECKOUT / "padstone_cdk",
        folder / "padstone_cdk",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    return folder


def readable(name: str) -> str:
    """Return a stack's name as part of a test's and a file's."""
    return name.replace("/", "-")


def walk(value: Any) -> Iterator[Any]:
    """Return every value inside a template, from the outside in."""
    yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for member in inner:
        yield from walk(member)


def resources(template: Template, *types: str) -> dict[str, dict[str, Any]]:
    """Return the properties of the resources of some types (none: of all), by logical ID."""
    return {
        name: resource.get("Properties", {})
        for name, resource in template["Resources"].items()
        if not types or resource["Type"] in types
    }


def listed(value: Any) -> list[Any]:
    """Return what IAM takes as one value or as several."""
    return value if isinstance(value, list) else [value]


def tls_only(policy: dict[str, Any]) -> bool:
    """Whether the policy of a bucket, queue or topic refuses whoever comes without TLS."""
    return any(
        statement.get("Effect") == "Deny"
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        and statement["Principal"] in ("*", {"AWS": "*"})
        for statement in policy["PolicyDocument"]["Statement"]
    )


def plain(value: Any) -> str:
    """Return a text with references shown as <Name>."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(map(plain, value))
    ((function, argument),) = value.items()
    if function == "Ref":
        return f"<{argument}>"
    if function == "Fn::Join":
        return str(argument[0]).join(map(plain, listed(argument[1])))
    if function == "Fn::GetAtt":
        return f"<{'.'.join(argument)}>"
    return f"<{function} {json.dumps(argument)}>"
