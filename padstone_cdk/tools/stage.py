"""The stacks of the tools account and the order in which they come."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from constructs import Construct

from padstone_cdk.buildspecs import IMAGE
from padstone_cdk.pins import Pins
from padstone_cdk.tools.access import AccessStack
from padstone_cdk.tools.alarms import AlarmsStack
from padstone_cdk.tools.build import BuildStack
from padstone_cdk.tools.images import ImagesStack
from padstone_cdk.tools.settings import TOOLS
from padstone_cdk.tools.storage import StorageStack


class ToolsAccount(cdk.Stage):
    """One tools account. Builds do not wait for one another; whoever reads an output comes after.

    Dependencies are only an order: values go from output to parameter, see `wiring`.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, pins: Pins, environment: str
    ) -> None:
        super().__init__(scope, construct_id)
        common: dict[str, Any] = {"pins": pins, "environment": environment}
        storage = StorageStack(self, "storage", **common)
        images = ImagesStack(self, "images", **common)
        access = AccessStack(self, "access", **common)
        access.add_stack_dependency(storage)
        alarms = AlarmsStack(self, "alarms", **common)
        for tool in TOOLS:
            build = BuildStack(self, f"build-{tool}", tool=tool, **common)
            # Not before the bucket refuses to overwrite what a build writes.
            build.add_stack_dependency(access)
            if tool == IMAGE:
                build.add_stack_dependency(images)
            alarms.add_stack_dependency(build)
