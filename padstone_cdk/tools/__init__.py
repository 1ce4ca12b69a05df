"""The tools account: where tools are built, and packages, snapshots and records are kept."""

from padstone_cdk.tools.stage import ToolsAccount

__all__ = ["ToolsAccount"]
