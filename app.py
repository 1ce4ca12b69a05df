"""The CDK app: `cdk synth`, `cdk diff`, `cdk deploy`.

From source it builds the stages (`padstone_cdk`). With `-c snapshot_id=ID` it writes the assembly
of that frozen snapshot instead, its templates checked first, and starts neither aws_cdk nor Node:

    cdk deploy --all -c snapshot_id=20200203-201525 -c tools_bucket=BUCKET

Context beside it: `stage` (what the snapshot has to be of), `environment` (suffix of stack names),
`tools_region` and `tools_profile` (if the bucket is read in another region, or by another profile
than AWS_PROFILE), `cdk_roles=true` (deploy through the roles of `cdk bootstrap`).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from snapshot_tool.ports import Objects


def main() -> int:
    """Synthesise what the context asks for; return the exit code."""
    context = read_context(os.environ)
    if "snapshot_id" not in context:
        from padstone_cdk.app import main as from_source

        from_source()
        return 0
    return frozen(context, os.environ, open_bucket)


def read_context(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the context that the CDK CLI hands over, including what spilled into a file."""
    context: dict[str, Any] = json.loads(environ.get("CDK_CONTEXT_JSON") or "{}")
    if spilled := environ.get("CONTEXT_OVERFLOW_LOCATION_ENV"):
        context.update(json.loads(Path(spilled).read_text(encoding="utf-8")))
    return context


def open_bucket(bucket: str, region: str, profile: str) -> Objects:
    """Open the shared bucket; no region or profile means that of the environment."""
    from snapshot_tool.aws.session import Aws, Session

    return Aws(Session(profile or None, region or None)).objects(bucket)


def frozen(
    context: Mapping[str, Any],
    environ: Mapping[str, str],
    open_objects: Callable[[str, str, str], Objects],
) -> int:
    """Write the assembly of a snapshot; return 1 after one line on stderr if that cannot be."""
    from snapshot_tool.errors import PadstoneError

    try:
        _write(context, environ, open_objects)
    except PadstoneError as error:
        print("padstone: " + "; ".join(map(str.strip, str(error).splitlines())), file=sys.stderr)
        return 1
    return 0


def _write(
    context: Mapping[str, Any],
    environ: Mapping[str, str],
    open_objects: Callable[[str, str, str], Objects],
) -> None:
    from snapshot_tool import assembly
    from snapshot_tool.cli.clock import SystemClock
    from snapshot_tool.errors import BadInputError
    from snapshot_tool.model.names import SnapshotId
    from snapshot_tool.store import SnapshotStore

    snapshot, stage = SnapshotId(str(context["snapshot_id"])), str(context.get("stage") or "")
    objects = open_objects(_bucket(context, environ), _region(context, environ), _profile(context))
    store = SnapshotStore(objects, SystemClock())
    manifest = store.manifest(snapshot)
    if stage and stage != manifest.stage:
        raise BadInputError(f"snapshot {snapshot} is of the stage {manifest.stage}, not {stage}")
    assembly.write(
        Path(environ.get("CDK_OUTDIR") or "cdk.out"),
        manifest=manifest,
        templates=store.templates(manifest),
        objects=objects,
        to=assembly.Destination(
            account=environ.get("CDK_DEFAULT_ACCOUNT", ""),
            region=environ.get("CDK_DEFAULT_REGION", ""),
            environment=str(context.get("environment") or ""),
            roles=str(context.get("cdk_roles", "")).lower() == "true",
            qualifier=str(context.get("@aws-cdk/core:bootstrapQualifier") or "hnb659fds"),
        ),
    )


def _bucket(context: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    from snapshot_tool.errors import BadInputError

    bucket = context.get("tools_bucket") or environ.get("PADSTONE_TOOLS_BUCKET")
    if not bucket:
        raise BadInputError(
            "a snapshot is read from the tools account's shared bucket, and none was named",
            fix="add -c tools_bucket=BUCKET or set PADSTONE_TOOLS_BUCKET"
            " (the output SharedBucketName of the stack padstone-tools-storage)",
        )
    return str(bucket)


def _region(context: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    return str(context.get("tools_region") or environ.get("CDK_DEFAULT_REGION") or "")


def _profile(context: Mapping[str, Any]) -> str:
    return str(context.get("tools_profile") or "")


if __name__ == "__main__":
    sys.exit(main())
