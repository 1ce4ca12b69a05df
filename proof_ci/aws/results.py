"""S3: the port `Results`."""

from proof_ci.ports import TooLargeError

from .clients import client, translated, unless


class ResultsBucket:
    """Results as objects."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket

    def put(self, key: str, content: str) -> None:
        """Return once S3 has the object."""
        with translated():
            client("s3").put_object(
                Bucket=self._bucket,
                Key=key,
                Body=content.encode(),
                ContentType="application/json",
                ChecksumAlgorithm="SHA256",
            )

    def get(self, key: str, most: int) -> str | None:
        """Read one byte more than is taken. S3 refuses what is not there to who may not list."""
        content: bytes | None = None
        with translated(), unless("NoSuchKey", "AccessDenied"):
            body = client("s3").get_object(Bucket=self._bucket, Key=key)["Body"]
            content = body.read(most + 1)
        if content is None:
            return None
        if len(content) > most:
            raise TooLargeError(f"{key} has more than {most} bytes")
        return content.decode("utf-8", "replace")
