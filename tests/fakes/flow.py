"""A proof account in which runs unfold as time passes, as far as the command line can see."""

from __future__ import annotations

import heapq
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from snapshot_tool.model.assembly import Assembly
from snapshot_tool.model.canonical import Json
from snapshot_tool.model.manifest import ImagePin, Manifest
from snapshot_tool.model.names import ImageDigest, SnapshotId, ToolName
from snapshot_tool.model.request import JobDefinition
from snapshot_tool.orchestrator.proofs import Proofs
from snapshot_tool.ports import JobState
from tests.fakes.clock import FakeClock
from tests.fakes.snapshots import package, provenance
from tests.fakes.world import DIGEST, PROOF, FakeDoors, World, output, proof_assembly

QUEUE = "https://sqs.us-west-2.amazonaws.com/222222222222/events"
DEFINITION = "arn:aws:batch:us-west-2:222222222222:job-definition/padstone-proof-ci-Definition:3"
REPOSITORY = "111111111111.dkr.ecr.us-west-2.amazonaws.com/proof"
ROLE = "arn:aws:iam::222222222222:role/padstone-proof-ci-JobsJobRole"
TOOLS = ("batch", "cbmc", "lambda", "viewer")
OUTPUTS = {
    "WebhookUrl": "https://hook.example",
    "ReportSiteUrl": "https://reports.example",
    "JobDefinitionArn": DEFINITION,
    "EventsQueueUrl": QUEUE,
    "JobLogGroup": "jobs",
    "PreparationLogGroup": "preparation",
    "FunctionLogGroups": "padstone-proof-ci-DispatchFunctionLogs1-x,padstone-JudgeLogs-y",
    "RunsTableName": "runs",
    "ReportBucketName": "reports",
}
PARAMETERS = {
    "GitHubRepository": {"Type": "String", "Default": "Example/padmath"},
    "GitHubBranchName": {"Type": "String", "Default": "main"},
}


class Schedule(FakeClock):
    """A clock that does what is due when time passes."""

    def __init__(self) -> None:
        super().__init__()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._due, (self.monotonic() + seconds, next(self._numbers), act))

    def advance(self, seconds: float) -> None:
        end = self.monotonic() + seconds
        while self._due and self._due[0][0] <= end:
            due, _, act = heapq.heappop(self._due)
            super().advance(max(0.0, due - self.monotonic()))
            act()
        super().advance(max(0.0, end - self.monotonic()))


@dataclass
class Flow:
    """Consumes the queue of events of beta; `verdicts` are what its proofs come to."""

    clock: Schedule = field(default_factory=Schedule)
    verdicts: Mapping[str, str] = field(default_factory=lambda: {"a": "success", "b": "success"})
    deaf: bool = False
    stuck: bool = False
    world: World = field(init=False)

    def __post_init__(self) -> None:
        self.world = World(clock=self.clock).bootstrap()

    @property
    def beta(self) -> FakeDoors:
        return self.world.accounts["beta"]

    def proofs(self) -> Proofs:
        """Return what a new process would have."""
        return self.world.orchestrator().proofs

    # --- snapshots -------------------------------------------------------------------------------

    def freeze(
        self, marker: str, *, tools: tuple[str, ...] = TOOLS, image: bool = True
    ) -> Manifest:
        """Publish a proof snapshot with packages of its own."""
        own = self.world.orchestrator()._tools
        snapshot = own.store.claim(PROOF)
        digest = ImageDigest("sha256:" + (marker.encode().hex() + "0" * 64)[:64])
        self.world.images.digests.add(digest)
        manifest = own.store.publish(
            snapshot,
            PROOF,
            self.assembly(marker, snapshot),
            packages=[
                package(self.world.objects, tool, f"{tool} {marker}".encode()) for tool in tools
            ],
            images=[ImagePin(name=ToolName("proof"), digest=digest)] if image else [],
            provenance=provenance(),
        )
        own.ledger.record_release(manifest)
        self.clock.advance(1)
        return manifest

    def assembly(self, marker: str, snapshot: SnapshotId, outputs: Any = None) -> Assembly:
        said = {**(OUTPUTS if outputs is None else outputs), "SnapshotId": snapshot}
        made = proof_assembly(marker, Outputs={k: output(v) for k, v in said.items()})
        [storage, ci] = made.stacks
        body = json.loads(ci.body)
        body["Parameters"] |= PARAMETERS
        return Assembly(stacks=(storage, replace(ci, body=json.dumps(body).encode())))

    def deploy(self, manifest: Manifest) -> None:
        """Deploy beta, and give it what its stacks would make."""
        self.world.deploy("beta", manifest.id, SharedBucketName="shared")
        self.beta.queues.urls.add(QUEUE)
        self.beta.queues.on_message = self.receive
        container: dict[str, Json] = {
            "image": f"{REPOSITORY}@{DIGEST}",
            "jobRoleArn": ROLE,
            "command": ["job"],
        }
        body: dict[str, Json] = {"type": "container", "containerProperties": container}
        name = DEFINITION.rpartition("/")[2].partition(":")[0]
        self.beta.jobs.definitions[DEFINITION] = JobDefinition(arn=DEFINITION, name=name, body=body)

    # --- runs ------------------------------------------------------------------------------------

    def receive(self, message: Mapping[str, Any]) -> None:
        """Do as dispatch does: record a run, or end one."""
        if self.deaf:
            return
        if message["kind"] == "cancel":
            self.clock.after(3, lambda: self.end(message["run_id"], "cancelled"))
            return
        self.clock.after(2, lambda: self.begin(message))

    def begin(self, message: Mapping[str, Any]) -> None:
        """Open a run and let it unfold."""
        run_id, tools = message["delivery"], message.get("tools") or {}
        running = self.beta.stacks.describe("padstone-proof-ci")
        assert running is not None
        self.write(
            run_id,
            "run",
            repository=message["repository"],
            sha=message["sha"],
            ref=message["ref"],
            kind="request",
            state="starting",
            snapshot_id=tools.get("snapshot_id") or running.outputs["SnapshotId"],
            created_at=int(self.clock.monotonic()),
            deadline=int(self.clock.monotonic()) + 900,
            cache="on" if message["cache"] else "off",
            statuses="on" if message["statuses"] else "off",
            replay_of=message["replay_of"],
            requested_by=message["requested_by"],
        )
        moment = f"{int(self.clock.monotonic()):010d}#{run_id}"
        for key in (f"ref#example/padmath#{message['ref']}", f"commit#{message['sha']}", "recent"):
            self.write(key, moment, sha=message["sha"])
        if not self.stuck:
            self.clock.after(5, lambda: self.prove(run_id))

    def prove(self, run_id: str) -> None:
        """Submit an array of all proofs."""
        count = len(self.verdicts)
        jobs = json.dumps([{"job_id": f"job-{run_id[:4]}", "group": 0, "size": count}])
        self.update(run_id, state="proving", jobs=jobs, total=count, remaining=count)
        self.beta.jobs.known[f"job-{run_id[:4]}"] = JobState(
            job_id=f"job-{run_id[:4]}", status="PENDING", running=1
        )
        for number, (name, verdict) in enumerate(self.verdicts.items()):
            job, stream = f"job-{run_id[:4]}:{number}", f"proof/{run_id[:4]}-{number}"
            self.beta.jobs.known[job] = JobState(job_id=job, status="RUNNING", streams=(stream,))
            self.beta.logs.write("jobs", stream, f"proving {name}", self.clock.now())
            self.clock.after(4 * number + 3, self._judging(run_id, name, verdict, job))

    def _judging(self, run_id: str, name: str, verdict: str, job: str) -> Callable[[], None]:
        def judge() -> None:
            self.write(run_id, f"proof#{name}", verdict=verdict, job_id=job, seconds="3.5")
            left = int(self.item(run_id)["remaining"]) - 1
            self.update(run_id, remaining=left)
            if not left:
                red = set(self.verdicts.values()) - {"success"}
                self.end(run_id, "failure" if red else "success")

        return judge

    def end(self, run_id: str, verdict: str) -> None:
        """End a run, once."""
        if self.item(run_id)["state"] != "ended":
            moment = int(self.clock.monotonic())
            self.update(run_id, state="ended", verdict=verdict, ended_at=moment)

    def item(self, run_id: str) -> dict[str, Any]:
        found = self.world.tables.get("runs", {"run_id": run_id, "record": "run"})
        return dict(found or {})

    def update(self, run_id: str, **more: Json) -> None:
        now = int(self.clock.monotonic())
        said = {k: v for k, v in self.item(run_id).items() if k not in ("run_id", "record")}
        self.write(run_id, "run", **{**said, "updated_at": now, **more})

    def write(self, run_id: str, record: str, **more: Json) -> None:
        """Write whatever somebody writes."""
        key: dict[str, Json] = {"run_id": run_id, "record": record}
        there = "attribute_not_exists(#nothing)"
        assert self.world.tables.put_if("runs", {**key, **more}, condition=there)
