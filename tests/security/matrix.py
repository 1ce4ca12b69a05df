"""The table: which call, upon what, whom it is allowed to. Everybody else is to be refused."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tests.security.estate import PACKAGES, Actor, Estate, package_file, put_image

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


def fresh(prefix: str, ending: str = "") -> str:
    """Return a key or name that nobody has taken."""
    return f"{prefix}matrix-{next(_numbers)}{ending}"


BUILDS = {tool: f"build of {tool}" for tool in (*PACKAGES, "image")}
DEPLOYER_THERE = "proof-deployer in tools"
READERS = ("publisher", "reader", "tools-deployer", DEPLOYER_THERE)
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
        s3 = estate.client("tools", "s3")
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
            **{f"packages/{tool}": (BUILDS[tool], "job") for tool in PACKAGES},
            "packages/lambda": (BUILDS["lambda"], "proof-deployer"),
            "snapshots/proof": ("proof-deployer",),
        }
        for place, key in self.keys.items():
            beta = () if place == "snapshots/tools" else (BETA,)
            people = (ADMIN, *READERS, *beta, *parts.get(place, ()))
            yield self._row(f"get {place}", "get_object", *people, Key=key)
        yield self._row("get elsewhere", "get_object", ADMIN, Key="elsewhere/x")

    def _listing(self) -> Iterable[Row]:
        for prefix in ("packages/", "snapshots/proof/", "ids/", "snapshots/tools/", ""):
            beta = () if prefix in {"", "snapshots/tools/"} else (BETA,)
            name = f"list {prefix or 'everything'}"
            yield self._row(name, "list_objects_v2", ADMIN, *READERS, *beta, Prefix=prefix)

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
    yield row("get a release", "get_item", "Releases", *READERS, Key=item(release_id=snapshot))
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
    yield row("describe images", look, *READERS, BUILDS["image"])
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
    readers = {"WebhookSecret": ("webhook", "canary"), "GitHubTokenSecret": ("status", "canary")}
    for secret, roles in readers.items():
        named = {"SecretId": estate.beta[f"{secret}Arn"]}
        get = ask("secretsmanager", "get_secret_value", **named)
        yield _of_beta(f"secretsmanager get {secret}", get, *roles)
        tag = ask("secretsmanager", "tag_resource", **named, Tags=[])
        yield _of_beta(f"secretsmanager tag {secret}", tag)
        put = ask("secretsmanager", "put_secret_value", **named, SecretString="x")
        yield _of_beta(f"secretsmanager put {secret}", put)


def _results(estate: Estate) -> Iterable[Row]:
    bucket, reports = estate.beta["ResultsBucketName"], estate.beta["ReportBucketName"]
    source, verdict, output = "runs/r/source.tar.gz", "runs/r/result.json", "outputs/r/x"
    s3 = estate.client("beta", "s3")
    for place, key in ((bucket, source), (bucket, verdict), (bucket, output), (reports, "x")):
        s3.put_object(Bucket=place, Key=key, Body=b"x")

    def get(place: str, key: str, *allowed: str) -> Row:
        return _of_beta(
            f"s3 get {key} of beta", ask("s3", "get_object", Bucket=place, Key=key), *allowed
        )

    def put(name: str, key: str | Callable[[], str], *allowed: str, **more: str) -> Row:
        call = ask("s3", "put_object", Bucket=bucket, Key=key, Body=b"x", **more)
        return _of_beta(f"s3 put {name} of beta", call, *allowed)

    yield from (get(bucket, source, "job"), get(bucket, verdict), get(bucket, output))
    yield get(reports, "x")
    yield put("a source", source, "preparation")
    yield put("a verdict", verdict, "judge")
    yield put("a new output", lambda: fresh("outputs/r/"), "job", IfNoneMatch="*")
    yield put("an output over another", output)
    yield put("something else", lambda: fresh("elsewhere/"), IfNoneMatch="*")
    yield _of_beta("s3 list results of beta", ask("s3", "list_objects_v2", Bucket=bucket))
    report = ask("s3", "put_object", Bucket=reports, Key="x", Body=b"x")
    yield _of_beta("s3 put a report of beta", report)


def _runs(estate: Estate) -> Iterable[Row]:
    name = estate.beta["RunsTableName"]
    table = {"TableName": f"arn:aws:dynamodb:us-west-2:{estate.ids['beta']}:table/{name}"}
    key = {"run_id": {"S": "matrix"}, "record": {"S": "matrix"}}
    put = ask("dynamodb", "put_item", **table, Item=key)
    yield _of_beta("dynamodb put a run", put, "dispatch", "judge")
    yield _of_beta("dynamodb get a run", ask("dynamodb", "get_item", **table, Key=key))
    yield _of_beta("dynamodb delete a run", ask("dynamodb", "delete_item", **table, Key=key))


def _queues(estate: Estate) -> Iterable[Row]:
    parts: dict[str, tuple[list[str], list[str]]] = {
        "WebhookEventsQueue": (["webhook"], ["dispatch"]),
        "VerdictsStatusesQueue": (["judge"], ["status"]),
        "CanaryUndelivered": (["canary's schedule"], []),
    }
    for queue, (senders, receivers) in parts.items():
        url = {"QueueUrl": estate.resource("padstone-proof-ci", queue)}
        send = ask("sqs", "send_message", **url, MessageBody="{}")
        take = ask("sqs", "receive_message", **url, VisibilityTimeout=0)
        yield _of_beta(f"sqs send to {queue}", send, *senders)
        yield _of_beta(f"sqs take from {queue}", take, *receivers)
        yield _of_beta(f"sqs purge {queue}", ask("sqs", "purge_queue", **url))


def _work(estate: Estate) -> Iterable[Row]:
    def row(name: str, call: Call, *allowed: str) -> Row:
        return _of_beta(name, call, *allowed, local=True)

    job = {
        "jobName": "matrix",
        "jobQueue": estate.beta["JobQueueArn"],
        "jobDefinition": estate.beta["JobDefinitionArn"].rpartition(":")[0] + ":99",  # none such
    }
    project = {"projectName": estate.beta["PreparationProject"]}
    function = {"FunctionName": estate.resource("padstone-proof-ci", "CanarySingFunction")}
    yield row("batch submit a job", ask("batch", "submit_job", **job), "preparation")
    yield row("codebuild prepare", ask("codebuild", "start_build", **project), "dispatch")
    change = ask("lambda", "update_function_configuration", **function, Timeout=30)
    yield row("lambda change a function", change)
    for switch, reader in {"CiOperational": "webhook", "GitHubUpdating": "status"}.items():
        name = {"Name": estate.resource("padstone-proof-ci", f"Switches{switch}")}
        yield row(f"ssm get {switch}", ask("ssm", "get_parameter", **name), reader)
        turn = ask("ssm", "put_parameter", **name, Value="true", Overwrite=True)
        yield row(f"ssm turn {switch}", turn)
    storage = _change_set("padstone-proof-storage")
    yield row("cloudformation change a stack of beta", storage, "proof-deployer")
    yield row("cloudformation change a foreign stack of beta", _change_set("somebody-elses"))
    yield row("iam make a user in beta", ask("iam", "create_user", UserName=lambda: fresh("u")))


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

    def unless_absent(actor: Actor) -> None:
        try:
            call(actor)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise  # and that one means: past IAM, and there is no such stack

    return unless_absent
