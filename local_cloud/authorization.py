"""Whether the caller of a request may read an object that a service reads in the caller's name.

CloudFormation and Lambda read templates and code with the permissions of whoever calls them, also
from buckets of other accounts. MiniStack looks into the caller's own account only.
"""

import contextvars
from typing import Any

import ministack.app as ministack
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.core.router import extract_access_key_id
from ministack.services import s3

from local_cloud.machine import Machine

_caller_key: contextvars.ContextVar[str] = contextvars.ContextVar("caller_key", default="")


class ReadRefusedError(ValueError):
    """S3 does not give the object: `code` as S3 names it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class NotAllowedError(Exception):
    """The caller may not do something."""

    def __init__(self, action: str, resource: str) -> None:
        super().__init__(
            f"User: {iam_evaluator.caller_arn()} is not authorized to perform: {action} on "
            f"resource: {resource}"
        )


def install(machine: Machine) -> None:
    """Remembers the caller of every call to the services that read objects for callers."""
    del machine
    for service in ("cloudformation", "lambda", "batch"):
        ministack.SERVICE_HANDLERS[service] = _remembering(ministack.SERVICE_HANDLERS[service])
    s3._foreign_bucket_allows = _naming_the_caller(s3._foreign_bucket_allows)
    iam_actions.s3_service_context = _with_conditional_writes(iam_actions.s3_service_context)


def _remembering(handler: Any) -> Any:
    async def remembering(
        method: str, path: str, headers: Any, body: bytes, query: dict[str, Any]
    ) -> Any:
        _caller_key.set(extract_access_key_id(headers, query) or "")
        return await handler(method, path, headers, body, query)

    return remembering


def read_object(bucket: str, key: str, version: str | None = None) -> bytes:
    """The bytes of an object, read as the caller of the request; else ReadRefusedError."""
    owner = s3._bucket_owner_account(bucket)
    if owner is None:
        raise ReadRefusedError("NoSuchBucket", "The specified bucket does not exist")
    if not _may_read(owner, bucket, key, version):
        raise ReadRefusedError("AccessDenied", "Access Denied")
    with request_scope(owner, get_region()):
        data = s3._get_object_data(bucket, key, version)
    if data is None:
        code = "NoSuchVersion" if version else "NoSuchKey"
        what = "version" if version else "key"
        raise ReadRefusedError(code, f"The specified {what} does not exist.")
    return bytes(data)


def _may_read(owner: str, bucket: str, key: str, version: str | None) -> bool:
    context = _context(
        "s3:GetObjectVersion" if version else "s3:GetObject", f"arn:aws:s3:::{bucket}/{key}"
    )
    if context is None:
        return False
    identity, evaluation, limits = context
    policy = s3._bucket_policies.get_scoped(owner, None, bucket)
    decision = iam_evaluator.combine_resource_policy(
        identity, evaluation, policy, owner, limits=limits
    ).decision
    return bool(decision == "Allow")


def _context(
    action: str, resource: str, conditions: dict[str, Any] | None = None
) -> tuple[Any, Any, Any] | None:
    """What the caller's own policies decide, the evaluation they were asked in, their limits."""
    account = get_account_id()
    evaluation = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:iam::{account}:root",
        principal_type="Root",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=get_region(),
        service_context={name.lower(): value for name, value in (conditions or {}).items()},
    )
    key = _caller_key.get()
    if not ministack.AUTH or not key or iam_evaluator.is_root_access_key(key):
        return iam_evaluator.EvalResult("Allow"), evaluation, ()
    principal = iam_evaluator.resolve_principal(key, account)
    if isinstance(principal, iam_evaluator.AuthError):
        return None
    evaluation.principal_arn = principal.arn
    evaluation.principal_type = principal.type
    evaluation.principal_keys = principal.keys
    identity = iam_evaluator.evaluate(evaluation, principal.policies, *principal.limits)
    return identity, evaluation, principal.limits


def caller_may(action: str, resource: str, conditions: dict[str, Any] | None = None) -> bool:
    """Whether the caller of this request may do something more than the request's own action.

    Only for services whose caller is remembered; a call that AWS makes itself has none, and may.
    """
    if not ministack.AUTH or not _caller_key.get():
        return True
    context = _context(action, resource, conditions)
    return context is not None and context[0].decision == "Allow"


def _with_conditional_writes(stock: Any) -> Any:
    """Adds the condition keys s3:if-none-match, s3:if-match and s3:ObjectCreationOperation."""

    def context(action: str, query: Any, path: str = "", headers: Any = None) -> dict[str, Any]:
        found = dict(stock(action, query, path, headers))
        for name in ("if-none-match", "if-match"):
            if value := (headers or {}).get(name):
                found[f"s3:{name}"] = value
        if action == "s3:PutObject":
            # Starting a multipart upload and sending its parts create no object yet.
            creates = not {"uploads", "partNumber"} & set(query or ())
            found["s3:ObjectCreationOperation"] = str(creates).lower()
        return found

    return context


def _naming_the_caller(stock: Any) -> Any:
    """Bucket policies may name a role or user of another account; stock knows accounts only."""

    def allows(*request: Any) -> bool:
        account_allowed = bool(stock(*request))
        if not ministack.AUTH or not request[5]:
            return account_allowed
        decision = _policy_decision(*request)
        return decision == "Allow" or (account_allowed and decision != "Deny")

    return allows


def _policy_decision(  # noqa: PLR0917 (the signature of MiniStack's own function)
    owner: str, bucket: str, key: str, method: str, query: Any, caller: str, headers: Any = None
) -> str:
    path = f"/{bucket}/{key}" if key else f"/{bucket}"
    action = f"s3:{iam_actions._s3_action(method, path, query) or 'GetObject'}"
    with request_scope(owner, get_region()):
        conditions = iam_actions.s3_service_context(action, query, path, headers or {})
    arn = iam_evaluator.caller_arn()
    evaluation = iam_evaluator.EvalContext(
        principal_arn=arn,
        principal_type="AssumedRole" if ":assumed-role/" in arn else "User",
        principal_account=caller,
        action=action,
        resource_arn=f"arn:aws:s3:::{path[1:]}",
        region=get_region(),
        service_context={name.lower(): value for name, value in conditions.items()},
    )
    policy = s3._bucket_policies.get_scoped(owner, None, bucket)
    return str(iam_evaluator.evaluate_resource_policy(policy, evaluation).decision)


def allowed(credentials: Any, action: str, resource: str) -> bool:
    """Whether the policies of a role session allow an action; True without IAM enforcement."""
    if not ministack.AUTH:
        return True
    principal = iam_evaluator.resolve_principal(credentials.access_key_id, get_account_id())
    if isinstance(principal, iam_evaluator.AuthError):
        return False
    evaluation = iam_evaluator.EvalContext(
        principal_arn=principal.arn,
        principal_type=principal.type,
        principal_account=principal.account,
        action=action,
        resource_arn=resource,
        region=get_region(),
        principal_keys=principal.keys,
    )
    decision = iam_evaluator.evaluate(evaluation, principal.policies, *principal.limits).decision
    return bool(decision == "Allow")


def may_use_connection(credentials: Any, arn: str) -> bool:
    """Whether a role session may read code through a connection, by its old name or its new."""
    services = ("codeconnections", "codestar-connections")
    return any(allowed(credentials, f"{service}:UseConnection", arn) for service in services)
