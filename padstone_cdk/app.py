"""From CDK context to stages.

Context: `padstone:pins` (see `pins`), `stage` (`tools` or `proof`: synthesise only this one),
`environment` (a suffix of all stack names, so that several can live in one account).
"""

from __future__ import annotations

import re
import sys

import aws_cdk as cdk

from padstone_cdk.pins import CONTEXT_KEY, Pins, PinsError

_ENVIRONMENT = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]{0,31})?")
STAGES = ("tools", "proof")


def build(app: cdk.App) -> None:
    """Add the stages that the context asks for; PinsError or ValueError if it makes no sense."""
    pins = Pins.from_context(app.node.try_get_context(CONTEXT_KEY))
    environment = str(app.node.try_get_context("environment") or "")
    if not _ENVIRONMENT.fullmatch(environment):
        raise ValueError(f"environment: {environment!r} is not made of letters, digits and hyphens")
    wanted = app.node.try_get_context("stage")
    if wanted and wanted not in STAGES:
        raise ValueError(f"stage: {wanted!r} is not one of {', '.join(STAGES)}")
    if wanted != "proof":
        _tools(app, pins, environment)
    if wanted != "tools":
        _proof(app, pins, environment)


def _tools(app: cdk.App, pins: Pins, environment: str) -> None:
    from padstone_cdk.tools import ToolsAccount  # a stage alone pays only for its own imports

    ToolsAccount(app, "tools", pins=pins, environment=environment)


def _proof(app: cdk.App, pins: Pins, environment: str) -> None:
    from padstone_cdk.proof import ProofAccount

    ProofAccount(app, "proof", pins=pins, environment=environment)


def main() -> None:
    """Synthesise; on bad context say so in one line and exit with 1."""
    app = cdk.App(analytics_reporting=False)
    try:
        build(app)
    except (PinsError, ValueError, OSError) as error:
        sys.exit(f"padstone: {error}")
    app.synth()
