"""The table: which call, upon what, whom it is allowed to. Everybody else is to be refused."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tests.security.estate import PACKAGES, SESSION, Actor, Estate, package_file, put_image

ALLOW, DENY, TAKEN, ELSEWHERE = "allow", "deny", "412", "-"
"""Outcomes; `TAKEN`: allowed, but the key is written once. `ELSEWHERE`: cannot even be asked."""

_REFUSALS = {
    *("AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"),
    *("403", "MissingAuthenticationToken", "MissingAuthenticationTokenException"),
    "UnrecognizedClientException",
}
# What the right call says when what it names is not there: it got past IAM.
_BEYOND = {
    *("PipelineExecutionNotFoundException", "ClientException", "NoSuchUpload"),
    *("ReceiptHandleIsInvalid", "InvalidParameterException"),
}
# The local cloud has no tables, parameters or projects of other accounts to be refused.
_ABSENT = {
    *("ResourceNotFoundException", "RepositoryNotFoundException", "PipelineNotFoundException"),
    *("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "NoSuchEntity"),
}
_numbers = itertools.count()

Call = Callable[[Actor], Any]


@dataclass(frozen=True)
class Row:
    """One call. `account` is where its resource lives; `local`: no other account can name it."""

    name: str
    call: Call
    allowed: frozenset[str]
    account: str
    local: bool = False
    outcome: str = ALLOW

    def expected(self, actor: Actor) -> str:
        if self.local and actor.account != self.account:
            return ELSEWHERE
        return self.outcome if actor.name in self.allowed else DENY


def observe(row: Row, actor: Actor) -> str:
    """Make the call and say what became of it."""
    if row.local and actor.account != row.account:
        return ELSEWHERE
    try:
        row.call(actor)
    except ClientError as error:
        return _judge(error.response["Error"]["Code"], foreign=actor.account != row.account)
    return ALLOW


def _judge(code: str, *, foreign: bool) -> str:
    if code in _REFUSALS or (foreign and code in _ABSENT):
        return DENY
    if code in {"PreconditionFailed", "412"}:
        return TAKEN
    return ALLOW if code in _BEYOND else f"?{code}"


def ask(service: str, operation: str, **arguments: Any) -> Call:
    """Return a call; an argument that is a function is made anew each time."""

    def call(actor: Actor) -> Any:
        made = {name: value() if callable(value) else value for name, value in arguments.items()}
        return getattr(actor(service), operation)(**made)

    return call


def past_iam(call: Call, *codes: str) -> Call:
    """Return the call; one of these errors means that it was allowed, and that nothing is there."""

    def unless_absent(actor: Actor) -> None:
        try:
            call(actor)
        except ClientError as error:
            if error.response["Error"]["Code"] not in codes:
                raise

    return unless_absent


def fresh(prefix: str, ending: str = "") -> str:
    """Return a key or name that nobody has taken."""
    return f"{prefix}matrix-{next(_numbers)}{ending}"


BUILDS = {tool: f"build of {tool}" for tool in (*PACKAGES, "image")}
DEPLOYER_THERE = "proof-deployer in tools"
READERS = ("publisher", "reader", "tools-deployer", DEPLOYER_THERE)
CHOOSERS = (*READERS, "prover in tools")
ADMIN, BETA = "admin of tools", "admin of beta"


class SharedBucket:
    """Rows about the shared bucket."""

    def __init__(self, estate: Estate, snapshot: str) -> None:
        self.bucket = estate.tools["SharedBucketName"]
        self.keys = {
            **{f"packages/{tool}": f"packages/{tool}/{package_file(tool)}" for tool in PACKAGES},
            "snapshots/proof": f"snapshots/proof/{snapshot}/manifest.json",
            "snapshots/tools": "snapshots/tools/20200101-000000/manifest.json",
            "ids": f"ids/{snapshot}",
        }
        self.s3 = s3 = estate.client("tools", "s3")
        for key in (self.keys["snapshots/tools"], "elsewhere/x"):
            s3.put_object(Bucket=self.bucket, Key=key, Body=b"{}", IfNoneMatch="*")
        self.policy = str(s3.get_bucket_policy(Bucket=self.bucket)["Policy"])

    def rows(self) -> Iterable[Row]:
        yield from self._reading()
        yield from self._listing()
        for place, key in self.keys.items():
            yield from self._writing(place, key)
        yield from self._beside()

    def _row(
        self, name: str, operation: str, *allowed: str, outcome: str = ALLOW, **arguments: Any
    ) -> Row:
        call = ask("s3", operation, Bucket=self.bucket, **arguments)
        return Row(f"s3 {name}", call, frozenset({*allowed}), "tools", outcome=outcome)

    def _reading(self) -> Iterable[Row]:
        parts: dict[str, tuple[str, ...]] = {
            **{f"packages/{tool}": (BUILDS[tool],) for tool in PACKAGES},
            "packages/lambda": (BUILDS["lambda"], "proof-deployer"),
            "snapshots/proof": ("proof-deployer",),
        }
        for place, key in self.keys.items():
            beta = () if place == "snapshots/tools" else (BETA,)
            people = (ADMIN, *CHOOSERS, *beta, *parts.get(place, ()))
            yield self._row(f"get {place}", "get_object", *people, Key=key)
        yield from self._versions()
        yield self._row("get elsewhere", "get_object", ADMIN, Key="elsewhere/x")

    def _versions(self) -> Iterable[Row]:
        """By the version that is pinned a job gets its tools, and CloudFormation the functions."""
        for tool in PACKAGES:
            key = self.keys[f"packages/{tool}"]
            version = self.s3.head_object(Bucket=self.bucket, Key=key)["VersionId"]
            runs_it = "proof-deployer" if tool == "lambda" else "job"
            people = (ADMIN, BETA, *CHOOSERS, runs_it)
            yield self._row(
                f"get a version of {tool}", "get_object", *people, Key=key, VersionId=version
            )

    def _listing(self) -> Iterable[Row]:
        for prefix in ("packages/", "snapshots/proof/", "ids/", "snapshots/tools/", ""):
            beta = () if prefix in {"", "snapshots/tools/"} else (BETA,)
            name = f"list {prefix or 'everything'}"
            yield self._row(name, "list_objects_v2", ADMIN, *CHOOSERS, *beta, Prefix=prefix)

    def _writing(self, place: str, key: str) -> Iterable[Row]:
        tool = place.removeprefix("packages/")
        writers = (ADMIN, BUILDS.get(tool, "publisher"))

        def new() -> str:
            return fresh(f"{place}/")

        once: dict[str, Any] = {"IfNoneMatch": "*", "Body": b"x"}
        yield self._row(f"put new {place}", "put_object", *writers, Key=new, **once)
        yield self._row(f"put over {place}", "put_object", *writers, outcome=TAKEN, Key=key, **once)
        yield self._row(f"put new {place} unconditionally", "put_object", Key=new, Body=b"x")
        yield self._row(f"put over {place} unconditionally", "put_object", Key=key, Body=b"x")
        yield self._row(f"delete {place}", "delete_object", Key=key)

    def _beside(self) -> Iterable[Row]:
        cbmc = self.keys["packages/cbmc"]
        yield self._row("delete a version", "delete_object", Key=cbmc, VersionId="null")
        yield self._row(
            "put elsewhere",
            "put_object",
            ADMIN,
            Key=lambda: fresh("elsewhere/"),
            Body=b"x",
            IfNoneMatch="*",
        )
        yield self._row("get the policy", "get_bucket_policy", ADMIN)
        yield self._row("put the policy", "put_bucket_policy", ADMIN, Policy=self.policy)


def of_tools(estate: Estate, snapshot: str) -> Iterable[Row]:
    """Rows about the tools account beside its bucket."""
    yield from _records(estate)
    yield from _tables(estate, snapshot)
    yield from _registry(estate)
    pipeline = estate.resource("padstone-tools-build-cbmc", "Pipeline")
    execution = {"pipelineName": pipeline, "pipelineExecutionId": "0" * 8}

    def row(name: str, call: Call, *allowed: str) -> Row:
        return Row(name, call, frozenset({ADMIN, *allowed}), "tools", local=True)

    yield row(
        "codepipeline get an execution",
        ask("codepipeline", "get_pipeline_execution", **execution),
        "tools-deployer",
    )
    yield row(
        "codepipeline stop an execution",
        ask("codepipeline", "stop_pipeline_execution", **execution),
    )
    yield row(
        "cloudformation get a template",
        ask("cloudformation", "get_template", StackName="padstone-tools-access"),
        *READERS,
    )
    yield row(
        "cloudformation change a stack", _change_set("padstone-tools-images"), "tools-deployer"
    )
    yield row("cloudformation change a foreign stack", _change_set("somebody-elses"))
    yield row("iam make a user", ask("iam", "create_user", UserName=lambda: fresh("u")))
    yield row("dynamodb list tables", ask("dynamodb", "list_tables"))


def _records(estate: Estate) -> Iterable[Row]:
    prefix = estate.tools["ParameterPrefix"]
    ssm = estate.client("tools", "ssm")

    def row(name: str, call: Call, *allowed: str) -> Row:
        return Row(f"ssm {name}", call, frozenset({ADMIN, *allowed}), "tools", local=True)

    makers = {f"packages/{tool}": BUILDS[tool] for tool in PACKAGES}
    for what, maker in {**makers, "images/proof": BUILDS["image"]}.items():
        name = f"{prefix}/{what}/latest"
        value = ssm.get_parameter(Name=name)["Parameter"]["Value"]
        same = {"Name": name, "Value": value, "Overwrite": True}
        yield row(f"put the record of {what}", ask("ssm", "put_parameter", **same), maker)
    everything = ask("ssm", "get_parameters_by_path", Path=prefix, Recursive=True)
    yield row("get all records", everything, *READERS)


def _tables(estate: Estate, snapshot: str) -> Iterable[Row]:
    def row(name: str, operation: str, table: str, *allowed: str, **arguments: Any) -> Row:
        physical = estate.tools[f"{table}TableName"]
        arn = f"arn:aws:dynamodb:us-west-2:{estate.ids['tools']}:table/{physical}"
        call = ask("dynamodb", operation, TableName=arn, **arguments)
        return Row(f"dynamodb {name}", call, frozenset({ADMIN, *allowed}), "tools")

    def item(**values: str) -> dict[str, Any]:
        return {name: {"S": value} for name, value in values.items()}

    deployers = {"beta": DEPLOYER_THERE, "tools": "tools-deployer", "other": ""}
    yield row("get a release", "get_item", "Releases", *CHOOSERS, Key=item(release_id=snapshot))
    recorders = ("publisher", "tools-deployer", DEPLOYER_THERE)
    release = item(release_id="matrix")
    yield row("put a release", "put_item", "Releases", *recorders, Item=release)
    yield row("delete a release", "delete_item", "Releases", Key=release)
    yield row("scan the deployments", "scan", "Deployments")
    for name, deployer in deployers.items():
        made = item(account=name, deployment_id="matrix")
        yield row(f"record a deployment of {name}", "put_item", "Deployments", deployer, Item=made)
        lock = item(account=f"{estate.ids[name]}/us-west-2/-")
        yield row(f"lock {name}", "put_item", "Locks", deployer, Item=lock)
        yield row(f"unlock {name}", "delete_item", "Locks", deployer, Key=lock)
    yield row("scan the register", "scan", "Accounts", *READERS)
    somebody = item(name="matrix")
    yield row("register", "put_item", "Accounts", "tools-deployer", Item=somebody)
    yield row("unregister", "delete_item", "Accounts", "tools-deployer", Key=somebody)


def _registry(estate: Estate) -> Iterable[Row]:
    repository = estate.tools["ProofImageRepositoryArn"].rpartition("repository/")[2]
    images = estate.client("tools", "ecr").list_images(repositoryName=repository)["imageIds"]
    named = {"registryId": estate.ids["tools"], "repositoryName": repository}
    digest = [{"imageDigest": images[0]["imageDigest"]}]

    def row(name: str, call: Call, *allowed: str) -> Row:
        return Row(f"ecr {name}", call, frozenset({ADMIN, *allowed}), "tools")

    pull = ask("ecr", "batch_get_image", **named, imageIds=digest)
    yield row("pull", pull, BETA, BUILDS["image"], "instances")
    look = ask("ecr", "describe_images", **named, imageIds=digest)
    yield row("describe images", look, *CHOOSERS, BUILDS["image"])
    yield row("push", lambda actor: put_image(actor, estate, fresh("t")), BUILDS["image"])
    none = [{"imageTag": "none"}]
    yield row("delete an image", ask("ecr", "batch_delete_image", **named, imageIds=none))
    yield row("get the policy", ask("ecr", "get_repository_policy", **named))


def of_proof(estate: Estate) -> Iterable[Row]:
    """Rows about a proof account: no row allows anybody of another account anything."""
    yield from _secrets(estate)
    yield from _results(estate)
    yield from _runs(estate)
    yield from _queues(estate)
    yield from _work(estate)


def _of_beta(name: str, call: Call, *allowed: str, local: bool = False) -> Row:
    return Row(name, call, frozenset({BETA, *allowed}), "beta", local=local)


def _secrets(estate: Estate) -> Iterable[Row]:
    readers = {
        "WebhookSecret": ("webhook", "canary"),
        "GitHubTokenSecret": ("dispatch", "status", "sweep", "canary"),
    }
    for secret, roles in readers.items():
        named = {"SecretId": estate.beta[f"{secret}Arn"]}
        get = ask("secretsmanager", "get_secret_value", **named)
        yield _of_beta(f"secretsmanager get {secret}", get, *roles)
        tag = ask("secretsmanager", "tag_resource", **named, Tags=[])
        yield _of_beta(f"secretsmanager tag {secret}", tag)
        put = ask("secretsmanager", "put_secret_value", **named, SecretString="x")
        yield _of_beta(f"secretsmanager put {secret}", put)


_OBJECTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "runs/r/source.tar.gz": (("job",), ("preparation",)),
    "runs/r/plan.json": (("job", "verdict", "sweep"), ("launch", "sweep")),
    "runs/r/a/b/result.json": ((), ("verdict", "sweep")),
    "cache/k.json": (("job",), ("verdict", "sweep")),
    "outputs/r/j/1/proofs.json": (("launch", "sweep"), ()),
    "outputs/r/j/1/prepared.tar.gz": (("job",), ()),
    "outputs/r/j/1/verdict.json": (("verdict", "sweep"), ()),
    "outputs/r/j/1/outcome.json": (("verdict", "sweep"), ()),
    "outputs/r/j/1/output.tar.gz": (("report",), ()),
    "elsewhere/x": ((), ()),
}
"""Keys of the results bucket: who reads them, and who writes over them."""


def _results(estate: Estate) -> Iterable[Row]:
    bucket, reports = estate.beta["ResultsBucketName"], estate.beta["ReportBucketName"]

    def row(name: str, operation: str, place: str, *allowed: str, **arguments: Any) -> Row:
        call = ask("s3", operation, Bucket=place, **arguments)
        return _of_beta(f"s3 {name} of beta", call, *allowed)

    s3 = estate.client("beta", "s3")
    for key, (readers, writers) in _OBJECTS.items():
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
        yield row(f"get {key}", "get_object", bucket, *readers, Key=key)
        yield row(f"put {key}", "put_object", bucket, *writers, Key=key, Body=b"x")
        yield row(f"delete {key}", "delete_object", bucket, Key=fresh(f"{key}-"))
    new: dict[str, Any] = {"Body": b"x", "IfNoneMatch": "*"}
    job = estate.job_role_id
    holders = {"its session": (f"{job}:{SESSION}", ("job",)), "another's": (f"{job}:other", ())}
    for name in ("proofs.json", "verdict.json", "outcome.json", "output.tar.gz", "prepared.tar.gz"):
        for whose, (holder, allowed) in holders.items():

            def key_of(name: str = name, holder: str = holder) -> str:
                return f"{fresh('outputs/r/')}/1/{holder}/{name}"

            told = f"put a new {name} into the folder of {whose}"
            yield row(told, "put_object", bucket, *allowed, Key=key_of, **new)
    nobodys = {"Key": lambda: f"{fresh('outputs/r/')}/1/verdict.json", **new}
    yield row("put something new into nobody's folder", "put_object", bucket, **nobodys)
    elsewhere = {"Key": lambda: fresh("elsewhere/"), **new}
    yield row("put something new elsewhere", "put_object", bucket, **elsewhere)
    for place, name in ((bucket, "results"), (reports, "reports")):
        for prefix in ("", "runs/", "outputs/"):
            listing = {"Prefix": prefix, "MaxKeys": 1}
            yield row(f"list {name} {prefix}", "list_objects_v2", place, **listing)
        yield row(f"get the policy of {name}", "get_bucket_policy", place)
    page = "runs/r/index.html"
    s3.put_object(Bucket=reports, Key=page, Body=b"x")
    yield row("get a page", "get_object", reports, Key=page)
    yield row("put a page", "put_object", reports, "report", Key=page, Body=b"x")
    of_commit = {"Key": "commits/c/index.html", "Body": b"x"}
    yield row("put a commit's page", "put_object", reports, "report", **of_commit)
    missing = {"Key": "missing.html", "Body": b"x"}
    yield row("put the page of what is missing", "put_object", reports, "report", **missing)
    yield row("put another page", "put_object", reports, Key="index.html", Body=b"x")
    yield row("delete a page", "delete_object", reports, Key=fresh("runs/"))


_RECORDERS = ("dispatch", "launch", "verdict", "sweep")


def _runs(estate: Estate) -> Iterable[Row]:
    name = estate.beta["RunsTableName"]
    table = {"TableName": f"arn:aws:dynamodb:us-west-2:{estate.ids['beta']}:table/{name}"}
    key = {"run_id": {"S": "matrix"}, "record": {"S": "matrix"}}

    def row(name: str, operation: str, *allowed: str, **arguments: Any) -> Row:
        call = ask("dynamodb", operation, **table, **arguments)
        return _of_beta(f"dynamodb {name}", call, *allowed)

    of_run = {
        "KeyConditionExpression": "run_id = :r",
        "ExpressionAttributeValues": {":r": {"S": "matrix"}},
    }
    yield row("put a run", "put_item", *_RECORDERS, Item=key)
    yield row("get a run", "get_item", *_RECORDERS, "report", Key=key)
    yield row("query a run", "query", *_RECORDERS, "report", **of_run)
    yield row("update a run", "update_item", *_RECORDERS, Key=key)
    yield row("delete a run", "delete_item", *_RECORDERS, Key=key)
    several = {"RequestItems": {table["TableName"]: {"Keys": [key]}}}
    look = ask("dynamodb", "batch_get_item", **several)
    yield _of_beta("dynamodb get several of a run", look, *_RECORDERS, "report")
    yield row("scan the runs", "scan")


def _queues(estate: Estate) -> Iterable[Row]:
    parts: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
        "WebhookEventsQueue": (("webhook", "sweep"), ("dispatch",)),
        "TellingStatusesQueue": (_RECORDERS, ("status",)),
        "TellingReportsQueue": (_RECORDERS, ("report",)),
        "LaunchUndelivered": (("launch",), ()),
        "VerdictsUndelivered": (("verdict",), ()),
        "SweepUndelivered": (("sweep", "sweep's schedule"), ()),
        "CanaryUndelivered": (("canary", "canary's schedule"), ()),
        "WatchUndelivered": ((), ()),
        "WebhookEventsDead": ((), ()),
        "TellingStatusesDead": ((), ()),
        "TellingReportsDead": ((), ()),
    }
    for queue, (senders, receivers) in parts.items():
        physical = estate.resource("padstone-proof-ci", queue)
        url, ordered = {"QueueUrl": physical}, physical.endswith(".fifo")
        order: dict[str, Any] = {"MessageGroupId": "m", "MessageDeduplicationId": "m"}
        send = ask("sqs", "send_message", **url, MessageBody="{}", **(order if ordered else {}))
        take = ask("sqs", "receive_message", **url, VisibilityTimeout=0)
        yield _of_beta(f"sqs send to {queue}", send, *senders)
        yield _of_beta(f"sqs take from {queue}", take, *receivers)
        yield _of_beta(f"sqs purge {queue}", ask("sqs", "purge_queue", **url))


def _work(estate: Estate) -> Iterable[Row]:
    def row(name: str, call: Call, *allowed: str) -> Row:
        return _of_beta(name, call, *allowed, local=True)

    yield from _jobs(estate, row)
    yield from _builds(estate, row)
    functions = ("CanarySingFunction", "LaunchFunction", "SweepFunction")
    callers = {"CanarySingFunction": "canary's schedule", "SweepFunction": "sweep's schedule"}
    for name in functions:
        function = {"FunctionName": estate.resource("padstone-proof-ci", name)}
        change = ask("lambda", "update_function_configuration", **function, Timeout=30)
        yield row(f"lambda change {name}", change)
        dry = ask("lambda", "invoke", **function, InvocationType="DryRun")
        yield row(f"lambda invoke {name}", dry, callers.get(name, ""))
    readers = {"CiOperational": ("webhook", "sweep"), "GitHubUpdating": ("status",)}
    for switch, roles in readers.items():
        named = {"Name": estate.resource("padstone-proof-ci", f"Switches{switch}")}
        yield row(f"ssm get {switch}", ask("ssm", "get_parameter", **named), *roles)
        turn = ask("ssm", "put_parameter", **named, Value="true", Overwrite=True)
        yield row(f"ssm turn {switch}", turn)
    storage = _change_set("padstone-proof-storage")
    yield row("cloudformation change a stack of beta", storage, "proof-deployer")
    yield row("cloudformation change a foreign stack of beta", _change_set("somebody-elses"))
    yield row("iam make a user in beta", ask("iam", "create_user", UserName=lambda: fresh("u")))


_NOBODYS = "01234567-89ab-cdef-0123-456789abcdef"


def _jobs(estate: Estate, row: Callable[..., Row]) -> Iterable[Row]:
    queue, definition = estate.beta["JobQueueArn"], estate.beta["JobDefinitionArn"]
    other = definition.rpartition("/")[0]
    submitted = {
        "a job": (definition.rpartition(":")[0] + ":99", ()),
        "a job of the account": (definition, ("launch", "sweep")),
        "a replay's job": (f"{other}/padstone-replay-0123456789ab:1", ("launch", "sweep")),
        "somebody's job": (f"{other}/somebodys:1", ()),
    }
    for name, (by, allowed) in submitted.items():
        job = {"jobName": "matrix", "jobQueue": queue, "jobDefinition": by}
        never = {"dependsOn": [{"jobId": _NOBODYS}]}  # so that none is ever run
        yield row(f"batch submit {name}", ask("batch", "submit_job", **job, **never), *allowed)
    stoppers = ("dispatch", "launch", "sweep")
    for verb, allowed in {"terminate": stoppers, "cancel": ()}.items():
        stop = ask("batch", f"{verb}_job", jobId=_NOBODYS, reason="matrix")
        yield row(f"batch {verb} a job", stop, *allowed)
    yield row("batch list jobs", ask("batch", "list_jobs", jobQueue=queue), *stoppers)
    describe = ask("batch", "describe_jobs", jobs=[_NOBODYS])
    yield row("batch describe jobs", describe, "verdict", "sweep")
    container = {"image": "x", "command": ["x"], "vcpus": 1, "memory": 512}
    register = ask(
        "batch",
        "register_job_definition",
        jobDefinitionName="padstone-replay-matrix",
        type="container",
        containerProperties=container,
    )
    yield row("batch register a definition", register)
    off = ask("batch", "update_job_queue", jobQueue=queue, state="ENABLED")
    yield row("batch change the queue", off)


def _builds(estate: Estate, row: Callable[..., Row]) -> Iterable[Row]:
    project = estate.beta["PreparationProject"]
    build = f"{project}:{_NOBODYS}"
    run = {"environmentVariablesOverride": [{"name": "RUN_ID", "value": "r"}]}
    start = ask("codebuild", "start_build", projectName=project, **run)
    yield row("codebuild prepare a run", start, "dispatch")
    other = {"name": "BASH_ENV", "value": "x"}
    overrides: dict[str, dict[str, Any]] = {
        "with other commands": {"buildspecOverride": "version: 0.2\nphases: {}\n"},
        "in another image": {"imageOverride": "aws/codebuild/standard:7.0"},
        "with privileges": {"privilegedModeOverride": True},
        "from elsewhere": {"sourceTypeOverride": "S3", "sourceLocationOverride": "b/k"},
        "with another variable": {"environmentVariablesOverride": [other]},
    }
    for how, override in overrides.items():
        start = ask("codebuild", "start_build", projectName=project, **override)
        yield row(f"codebuild prepare {how}", start)
    stop = ask("codebuild", "stop_build", id=build)
    yield row(
        "codebuild stop", past_iam(stop, "ResourceNotFoundException"), "dispatch", "launch", "sweep"
    )
    look = ask("codebuild", "batch_get_builds", ids=[build])
    yield row("codebuild look at a build", look, "launch", "sweep")
    change = ask("codebuild", "update_project", name=project, description="x")
    yield row("codebuild change the preparation", change)


def _change_set(stack: str) -> Call:
    """Ask for a change set that is never executed."""
    template = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    call = ask(
        "cloudformation",
        "create_change_set",
        StackName=stack,
        ChangeSetName=lambda: fresh("c"),
        ChangeSetType="UPDATE",
        TemplateBody=template,
    )

    return past_iam(call, "ValidationError")
