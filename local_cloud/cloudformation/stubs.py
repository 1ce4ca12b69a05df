"""Types that only have to exist: they are kept, named and deleted, and nothing else."""

import uuid
from collections.abc import Callable
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import ec2
from ministack.services.cloudformation import provisioners

from local_cloud.cloudformation.registry import (
    Made,
    Properties,
    add_attributes,
    name_of,
    register,
)


def install() -> None:
    """Adds the types, and attributes that MiniStack's own types lack."""
    _stub("AWS::XRay::Group", "GroupName", _xray_group)
    _stub("AWS::XRay::SamplingRule", "", _sampling_rule)
    _stub("AWS::Logs::QueryDefinition", "Name", _query_definition)
    _stub("AWS::EC2::FlowLog", "", _flow_log)
    _stub("AWS::SSM::Document", "Name", lambda name: (name, {}))
    _stub("AWS::Budgets::Budget", "", lambda name: (name, {}))
    add_attributes("AWS::EC2::VPC", _vpc)
    provisioners._cw_metric_alarm_record = _with_metric_math(provisioners._cw_metric_alarm_record)


def _stub(resource_type: str, name_key: str, made: Callable[[str], Made]) -> None:
    def create(logical_id: str, properties: Properties, stack: str) -> Made:
        return made(name_of(properties, name_key, stack, logical_id, 128))

    def update(physical_id: str, old: Properties, new: Properties, stack: str) -> Made:
        name = physical_id.rsplit(":", 1)[-1].removeprefix("group/")
        return physical_id, made(name)[1]

    replaced_by = (name_key,) if name_key else ()
    register(resource_type, create, _nothing, update=update, replaced_by=replaced_by)


def _nothing(physical_id: str, properties: Properties) -> None:
    del physical_id, properties


def _xray_group(name: str) -> Made:
    arn = _arn("xray", f"group/{name}")
    return arn, {"GroupARN": arn}


def _sampling_rule(name: str) -> Made:
    arn = _arn("xray", f"sampling-rule/{name}")
    return arn, {"RuleARN": arn}


def _query_definition(name: str) -> Made:
    identifier = str(uuid.uuid4())
    return identifier, {"QueryDefinitionId": identifier}


def _flow_log(name: str) -> Made:
    identifier = f"fl-{uuid.uuid4().hex[:17]}"
    return identifier, {"Id": identifier}


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{get_region()}:{get_account_id()}:{resource}"


def _with_metric_math(stock: Any) -> Any:
    """Alarms on expressions exist, but nothing evaluates them: their state never changes."""

    def record(name: str, properties: Properties) -> Any:
        if not properties.get("Metrics"):
            return stock(name, properties)
        plain = {key: value for key, value in properties.items() if key != "Metrics"}
        return stock(name, {**plain, "MetricName": "expression", "Namespace": "MetricMath"})

    return record


def _vpc(physical_id: str, properties: Properties) -> dict[str, Any]:
    vpc = ec2._vpcs.get(physical_id) or {}
    return {
        "VpcId": physical_id,
        "CidrBlock": vpc.get("CidrBlock", properties.get("CidrBlock", "")),
        "CidrBlockAssociations": [],
        "Ipv6CidrBlocks": [],
        "DefaultSecurityGroup": vpc.get("DefaultSecurityGroupId", ""),
        "DefaultNetworkAcl": vpc.get("DefaultNetworkAclId", ""),
    }
