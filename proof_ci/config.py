"""The environment of every Lambda function: the one place that names its variables.

| variable                 | read by                                  | holds |
|--------------------------|------------------------------------------|-------|
| RUNS_TABLE               | dispatch, verdict                        | DynamoDB table; HASH `run_id` (S), RANGE `record` (S), TTL `expires_at` |
| EVENTS_QUEUE_URL         | webhook                                  | SQS queue, standard or FIFO, whose consumer is dispatch |
| STATUS_QUEUE_URL         | verdict (sends), status (delays)         | SQS queue, standard or FIFO, whose consumer is status |
| PREPARE_PROJECT          | dispatch                                 | name of the CodeBuild project that prepares a commit's source |
| RESULTS_BUCKET           | verdict                                  | bucket of proof results |
| WEBHOOK_SECRET_ARN       | webhook, canary                          | secret: one string, or a JSON list of one or two while it is rotated |
| GITHUB_TOKEN_SECRET_ARN  | status, canary                           | secret: a GitHub token, a plain string |
| CI_OPERATIONAL_PARAMETER | webhook                                  | name of the SSM parameter `true` or `false` |
| GITHUB_UPDATING_PARAMETER| status                                   | name of the SSM parameter `true` or `false` |
| WEBHOOK_URL              | canary                                   | where GitHub posts; https |
| GITHUB_REPOSITORY        | dispatch, verdict, status, canary        | `owner/name`, the only repository served |
| GITHUB_BRANCH            | dispatch, canary                         | the branch whose pushes are proved |
| SNAPSHOT_ID              | all                                      | the snapshot that this function belongs to; part of every log line |
| JOB_QUEUE, JOB_DEFINITION| dispatch (hands them to the preparation) | Batch queue and job definition |
| SHARED_BUCKET            | dispatch (hands it to the preparation)   | bucket of the tools account that holds the packages |
| PACKAGE_PINS             | dispatch (hands it to the preparation)   | JSON: tool -> {"key", "version_id", "sha256"} |
| GITHUB_API_URL           | status, canary; optional                 | another GitHub than the public one; https, or http on loopback |

The source preparation gets as CodeBuild variables: RUN_ID, REPOSITORY, SHA, REF, and what dispatch
hands on (RESULTS_BUCKET, JOB_QUEUE, JOB_DEFINITION, SHARED_BUCKET, PACKAGE_PINS, SNAPSHOT_ID).
A Batch job of a proof carries the environment variables RUN_ID, REPOSITORY, SHA and PROOF, by which
its verdict finds its commit.
"""

from collections.abc import Mapping
from enum import StrEnum
from urllib.parse import urlsplit

PUBLIC_GITHUB = "https://api.github.com"


class ConfigError(Exception):
    """The function's environment lacks a variable or holds one that cannot be used."""


class Name(StrEnum):
    """The variables, by name; the module's table says what each holds."""

    RUNS_TABLE = "RUNS_TABLE"
    EVENTS_QUEUE_URL = "EVENTS_QUEUE_URL"
    STATUS_QUEUE_URL = "STATUS_QUEUE_URL"
    PREPARE_PROJECT = "PREPARE_PROJECT"
    RESULTS_BUCKET = "RESULTS_BUCKET"
    WEBHOOK_SECRET_ARN = "WEBHOOK_SECRET_ARN"  # noqa: S105 - the name of a variable
    GITHUB_TOKEN_SECRET_ARN = "GITHUB_TOKEN_SECRET_ARN"  # noqa: S105 - the name of a variable
    CI_OPERATIONAL_PARAMETER = "CI_OPERATIONAL_PARAMETER"
    GITHUB_UPDATING_PARAMETER = "GITHUB_UPDATING_PARAMETER"
    WEBHOOK_URL = "WEBHOOK_URL"
    GITHUB_REPOSITORY = "GITHUB_REPOSITORY"
    GITHUB_BRANCH = "GITHUB_BRANCH"
    SNAPSHOT_ID = "SNAPSHOT_ID"
    JOB_QUEUE = "JOB_QUEUE"
    JOB_DEFINITION = "JOB_DEFINITION"
    SHARED_BUCKET = "SHARED_BUCKET"
    PACKAGE_PINS = "PACKAGE_PINS"
    GITHUB_API_URL = "GITHUB_API_URL"


HANDED_ON = (
    Name.RESULTS_BUCKET,
    Name.JOB_QUEUE,
    Name.JOB_DEFINITION,
    Name.SHARED_BUCKET,
    Name.PACKAGE_PINS,
    Name.SNAPSHOT_ID,
)
"""What dispatch gives to the source preparation beside the run itself."""


class Settings:
    """The variables of one function. Reading one that is absent or empty raises ConfigError."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def __getitem__(self, name: Name) -> str:
        value = self._environment.get(name, "")
        if not value:
            raise ConfigError(f"the function's environment has no {name}; the stack must set it")
        return value

    def handed_on(self) -> dict[str, str]:
        """The variables that dispatch gives to the source preparation."""
        return {str(name): self[name] for name in HANDED_ON}

    def github_url(self) -> str:
        """Where GitHub's API is, without a trailing slash; never a host that would leak the token."""
        return safe_url(self._environment.get(Name.GITHUB_API_URL) or PUBLIC_GITHUB).rstrip("/")


def safe_url(url: str) -> str:
    """Return the URL if a secret may be sent to it: https, or http on this machine's loopback."""
    parts = urlsplit(url)
    loopback = parts.hostname in ("127.0.0.1", "::1", "localhost")
    plain = parts.username is None and not parts.query and not parts.fragment
    if not (
        parts.hostname
        and plain
        and (parts.scheme == "https" or (parts.scheme == "http" and loopback))
    ):
        raise ConfigError("a URL in the function's environment is neither https nor loopback")
    return url
