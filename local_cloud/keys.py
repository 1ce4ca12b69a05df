"""Refusals of objects that S3 gives for their keys and metadata, and MiniStack leaves out."""

from collections.abc import Mapping
from typing import Any

from ministack.services import s3

from local_cloud.machine import Machine

KEY_BYTES, METADATA_BYTES = 1024, 2048
_METADATA = "x-amz-meta-"


def install(machine: Machine) -> None:
    """Stock takes keys and metadata of any length."""
    del machine
    s3._put_object = _checked(s3._put_object)
    s3._copy_object = _checked(s3._copy_object)
    s3._create_multipart_upload = _checked(s3._create_multipart_upload)


def _checked(stock: Any) -> Any:
    def write(bucket: str, key: str, *rest: Any) -> Any:
        headers: Mapping[str, str] = rest[-1]
        if len(key.encode()) > KEY_BYTES:
            return s3._error("KeyTooLongError", "Your key is too long", 400, key)
        if _metadata_bytes(headers) > METADATA_BYTES:
            told = "Your metadata headers exceed the maximum allowed metadata size"
            return s3._error("MetadataTooLarge", told, 400, key)
        return stock(bucket, key, *rest)

    return write


def _metadata_bytes(headers: Mapping[str, str]) -> int:
    """Names count without their prefix."""
    kept = {name: text for name, text in headers.items() if name.lower().startswith(_METADATA)}
    return sum(len(name) - len(_METADATA) + len(text.encode()) for name, text in kept.items())
