"""Types that MiniStack's services know, but its CloudFormation does not."""

import functools
import json
from collections.abc import Callable
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch, codebuild, ec2, secretsmanager
from ministack.services.cloudformation import provisioners

from local_cloud.cloudformation.registry import Made, Properties, name_of, register


def install() -> None:
    """Adds the types."""
    register(
        "AWS::CloudWatch::CompositeAlarm", _create_alarm, _delete_alarm,
        update=_update_alarm, replaced_by=("AlarmName",),
    )  # fmt: skip
    register(
        "AWS::SecretsManager::ResourcePolicy", _put_secret_policy, _delete_secret_policy,
        update=lambda physical_id, old, new, stack: _put_secret_policy(physical_id, new, stack),
        replaced_by=("SecretId",),
    )  # fmt: skip
    for direction in ("Ingress", "Egress"):
        _rule(direction)
    _inline("AWS::SNS::TopicInlinePolicy", "AWS::SNS::TopicPolicy", "TopicArn", "Topics")
    _inline("AWS::SQS::QueueInlinePolicy", "AWS::SQS::QueuePolicy", "Queue", "Queues")
    _secrets_by_arn()
    _reachable_apis()
    _logs_of_builds()


def _create_alarm(logical_id: str, properties: Properties, stack: str) -> Made:
    return _put_alarm(name_of(properties, "AlarmName", stack, logical_id, 255), properties)


def _update_alarm(name: str, old: Properties, new: Properties, stack: str) -> Made:
    return _put_alarm(name, new)


def _put_alarm(name: str, properties: Properties) -> Made:
    request = {**properties, "AlarmName": name}
    if "ActionsEnabled" in request:
        request["ActionsEnabled"] = str(request["ActionsEnabled"]).lower() == "true"
    _raise_refusal(cloudwatch._put_composite_alarm({}, request, False, True))
    return name, {"Arn": f"arn:aws:cloudwatch:{get_region()}:{get_account_id()}:alarm:{name}"}


def _delete_alarm(name: str, properties: Properties) -> None:
    cloudwatch._composite_alarms.pop(name, None)


def _put_secret_policy(logical_id: str, properties: Properties, stack: str) -> Made:
    document = json.dumps(properties["ResourcePolicy"])
    request = {"SecretId": properties["SecretId"], "ResourcePolicy": document}
    _raise_refusal(secretsmanager._put_resource_policy(request))
    return str(properties["SecretId"]), {"Id": str(properties["SecretId"])}


def _delete_secret_policy(secret: str, properties: Properties) -> None:
    secretsmanager._resource_policies.pop(secret, None)


def _secrets_by_arn() -> None:
    """Ref of a secret is its ARN; stock gives the name."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"]
    stock_create, stock_update = handlers["create"], handlers["update"]
    stock_delete = handlers["delete"]

    def name_of_secret(arn: str) -> str:
        return str(secretsmanager._resolve(arn)[0] or arn)

    def create(logical_id: str, properties: Properties, stack: str) -> Made:
        attributes = stock_create(logical_id, properties, stack)[1]
        return attributes["Arn"], attributes

    def update(arn: str, *arguments: Any, **more: Any) -> Made:
        attributes = stock_update(name_of_secret(arn), *arguments, **more)[1]
        return attributes["Arn"], attributes

    def delete(arn: str, properties: Properties) -> None:
        stock_delete(name_of_secret(arn), properties)

    handlers.update(create=create, update=update, delete=delete)


def _logs_of_builds() -> None:
    """A project's builds write where the template says; stock forgets it."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::CodeBuild::Project"]
    stock_create, stock_update = handlers["create"], handlers["update"]

    def keep(made: Made, properties: Properties) -> Made:
        told = provisioners._codebuild_cfn_to_api(properties.get("LogsConfig") or {})
        codebuild._projects[made[0]]["logsConfig"] = told
        return made

    def create(logical_id: str, properties: Properties, stack: str) -> Made:
        return keep(stock_create(logical_id, properties, stack), properties)

    def update(name: str, old: Properties, new: Properties, *more: Any, **named: Any) -> Made:
        return keep(stock_update(name, old, new, *more, **named), new)

    handlers.update(create=create, update=update)


def _reachable_apis() -> None:
    """An API's endpoint is a URL that can be called: stock's host name resolves nowhere."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::ApiGatewayV2::Api"]

    def reachable(made: Made) -> Made:
        api, attributes = made
        host = attributes["ApiEndpoint"].partition(".execute-api.")[2]
        endpoint = f"http://{host}/_aws/execute-api/{api}/$default"
        return api, {**attributes, "ApiEndpoint": endpoint}

    for verb in ("create", "update"):
        if (stock := handlers.get(verb)) is not None:
            handlers[verb] = _then(reachable, stock)


def _then(after: Callable[[Made], Made], stock: Callable[..., Made]) -> Callable[..., Made]:
    @functools.wraps(stock)
    def perform(*arguments: Any, **more: Any) -> Made:
        return after(stock(*arguments, **more))

    return perform


def _rule(direction: str) -> None:
    authorize = getattr(ec2, f"_authorize_sg_{direction.lower()}")
    key = "IpPermissions" if direction == "Ingress" else "IpPermissionsEgress"

    def create(logical_id: str, properties: Properties, stack: str) -> Made:
        _raise_refusal(authorize(_permission(properties)))
        group = ec2._security_groups[properties["GroupId"]]
        identifier = str(group[key][-1]["SecurityGroupRuleId"])
        return identifier, {"Id": identifier}

    def delete(identifier: str, properties: Properties) -> None:
        group = ec2._security_groups.get(properties["GroupId"]) or {key: []}
        group[key] = [r for r in group[key] if r.get("SecurityGroupRuleId") != identifier]

    register(f"AWS::EC2::SecurityGroup{direction}", create, delete)


def _permission(properties: Properties) -> dict[str, str]:
    """The rule as the parameters of the query API."""
    one, request = "IpPermissions.1", {"GroupId": str(properties["GroupId"])}
    for name in ("IpProtocol", "FromPort", "ToPort"):
        if name in properties:
            request[f"{one}.{name}"] = str(properties[name])
    for name, path in (
        ("CidrIp", "IpRanges.1.CidrIp"),
        ("CidrIpv6", "Ipv6Ranges.1.CidrIpv6"),
        ("SourceSecurityGroupId", "Groups.1.GroupId"),
        ("DestinationSecurityGroupId", "Groups.1.GroupId"),
        ("SourcePrefixListId", "PrefixListIds.1.PrefixListId"),
        ("DestinationPrefixListId", "PrefixListIds.1.PrefixListId"),
    ):
        if name in properties:
            request[f"{one}.{path}"] = str(properties[name])
    return request


def _inline(resource_type: str, stock_type: str, one: str, many: str) -> None:
    """A policy of one resource is the same as a policy of a list of one."""
    stock = provisioners._RESOURCE_HANDLERS[stock_type]

    def listed(properties: Properties) -> Properties:
        return {**properties, many: [properties[one]]}

    def create(logical_id: str, properties: Properties, stack: str) -> Made:
        physical_id, attributes = stock["create"](logical_id, listed(properties), stack)
        return physical_id, attributes

    def delete(physical_id: str, properties: Properties) -> None:
        stock["delete"](physical_id, listed(properties))

    register(resource_type, create, delete)


def _raise_refusal(answer: Any) -> None:
    status, _, body = answer
    if status >= 300:
        raise ValueError(body.decode() if isinstance(body, bytes) else str(body))
