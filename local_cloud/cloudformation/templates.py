"""TemplateURL: every form of an S3 URL, versions, and buckets of other accounts."""

import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from ministack.services.cloudformation import handlers, helpers

from local_cloud.authorization import ReadRefusedError, read_object

MORE = (
    "For more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"
)
_VIRTUAL_HOST = re.compile(r"^(?P<bucket>[a-z0-9][a-z0-9.-]+)\.s3[.-](?:[a-z0-9.-]*)$")


def install() -> None:
    """Stock reads path-style URLs of the caller's own buckets."""
    helpers._resolve_document = _resolve
    handlers._resolve_document = _resolve


def _resolve(
    params: dict[str, Any], body_key: str, url_key: str, label: str
) -> tuple[str | None, Any]:
    body, url = helpers._p(params, body_key), helpers._p(params, url_key)
    if body or not url:
        return (body or None), None
    location = locate(url)
    if location is None:
        what = "TemplateURL must be a supported URL." if label == "Template" else f"bad {url_key}"
        return None, helpers._error("ValidationError", what)
    try:
        data = read_object(*location)
    except ReadRefusedError as error:
        return None, helpers._error("ValidationError", f"S3 error: {error.message}\n{MORE}")
    if label == "Template" and len(data) > helpers.TEMPLATE_URL_MAX_BYTES:
        return None, helpers._error(
            "ValidationError",
            f"Template may not exceed {helpers.TEMPLATE_URL_MAX_BYTES} bytes in size.",
        )
    return data.decode("utf-8"), None


def locate(url: str) -> tuple[str, str, str | None] | None:
    """Bucket, key and version ID of an S3 URL, in path or virtual-hosted style."""
    parts = urlsplit(url)
    path = unquote(parts.path.lstrip("/"))
    version = next(iter(parse_qs(parts.query).get("versionId", ())), None)
    if parts.scheme not in ("http", "https"):
        return None
    if match := _VIRTUAL_HOST.match(parts.hostname or ""):
        return (match["bucket"], path, version) if path else None
    bucket, _, key = path.partition("/")
    return (bucket, key, version) if key else None
