"""Code of functions from buckets of other accounts, and no function without its code."""

import json
from typing import Any

import ministack.app as ministack
from ministack.services import lambda_svc

from local_cloud.authorization import ReadRefusedError, read_object
from local_cloud.machine import Machine


class CodeRefusedError(ValueError):
    """Lambda cannot have the code; `status` and `kind` are those of its answer."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


def install(machine: Machine) -> None:
    """Stock takes a function whose code it cannot read, and runs it as a mock."""
    del machine
    lambda_svc._fetch_code_from_s3 = fetch_code
    stock = ministack.SERVICE_HANDLERS["lambda"]

    async def handler(*arguments: Any) -> Any:
        try:
            return await stock(*arguments)
        except CodeRefusedError as error:
            body = json.dumps({"Type": "User", "message": str(error)}).encode()
            headers = {"Content-Type": "application/json", "x-amzn-errortype": error.kind}
            return error.status, headers, body

    ministack.SERVICE_HANDLERS["lambda"] = handler


def fetch_code(bucket: str, key: str, version_id: str | None = None) -> bytes:
    """The zip of a function, read as the caller and under the policy of the bucket's owner."""
    try:
        return read_object(bucket, key, version_id)
    except ReadRefusedError as error:
        if error.code == "AccessDenied":
            raise CodeRefusedError(
                403,
                "AccessDeniedException",
                "Your access has been denied by S3, please make sure your request credentials "
                f"have permission to GetObject for {bucket}/{key}. "
                "S3 Error Code: AccessDenied. S3 Error Message: Access Denied",
            ) from error
        raise CodeRefusedError(
            400,
            "InvalidParameterValueException",
            f"Error occurred while GetObject. S3 Error Code: {error.code}. "
            f"S3 Error Message: {error.message}",
        ) from error
