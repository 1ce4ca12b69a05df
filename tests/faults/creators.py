"""Creators at once in one process: `python -m tests.faults.creators CONFIG MOMENT ASSEMBLY...`.

Each assembly is frozen by a thread of its own, all at the moment given (Unix time). Prints the IDs.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from snapshot_tool.cli.clock import SystemClock
from snapshot_tool.cli.wiring import open_doors, scratch
from snapshot_tool.model.config import Config
from snapshot_tool.model.names import SnapshotId, StageName
from snapshot_tool.orchestrator import Orchestrator


def main(config: str, moment: str, *assemblies: str) -> None:
    """Freeze them all."""
    known = Config.parse(Path(config).read_text(), name=config)
    doors = open_doors(known.tools)  # one client for all: making them is what would take long

    def create(assembly: str) -> SnapshotId:
        work = Orchestrator(
            config=known,
            open_doors=lambda account: doors,
            clock=SystemClock(),
            tell=lambda progress: None,
            scratch=scratch,
            environ={},
        )
        work.snapshots(StageName("proof"), 1)
        time.sleep(max(0.0, float(moment) - time.time()))
        folder = Path(assembly)
        made = work.create(
            StageName("proof"), overrides={}, reason=folder.name, assembly=folder, app_dir=folder
        )
        return made.id

    with ThreadPoolExecutor(len(assemblies)) as pool:
        print("\n".join(pool.map(create, assemblies)))


if __name__ == "__main__":
    main(*sys.argv[1:])
