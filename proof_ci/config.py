"""The environment of every function: the one place that names its variables.

Behind each variable's meaning stand its readers. The source preparation gets, as CodeBuild
variables, RUN_ID, REPOSITORY, SHA and REF of the run that dispatch starts, and what dispatch hands
on (HANDED_ON). A Batch job carries RUN_ID, REPOSITORY, SHA, TASK (prepare or prove) and SOURCE_KEY,
and to prove GROUP and CACHE: by them its end finds its run, and by GROUP and index its proof.
"""

from collections.abc import Mapping
from enum import StrEnum
from urllib.parse import urlsplit

PUBLIC_GITHUB = "https://api.github.com"


class ConfigError(Exception):
    """The function's environment lacks a variable or holds one that cannot be used."""


class Name(StrEnum):
    """The variables. Lambda functions get those that name them as their readers."""

    RUNS_TABLE = "RUNS_TABLE"
    """DynamoDB table: HASH `run_id` (S), RANGE `record` (S), TTL `expires_at`. dispatch,
    launch, verdict, report, sweep"""
    EVENTS_QUEUE_URL = "EVENTS_QUEUE_URL"
    """SQS queue, standard or FIFO, that dispatch consumes. webhook, dispatch (delays), sweep"""
    STATUS_QUEUE_URL = "STATUS_QUEUE_URL"
    """SQS FIFO queue that status consumes. dispatch, launch, verdict, sweep, status (delays)"""
    REPORTS_QUEUE_URL = "REPORTS_QUEUE_URL"
    """SQS FIFO queue that report consumes. dispatch, launch, verdict, sweep"""
    REPORT_URL = "REPORT_URL"
    """Where the report site is, without a trailing slash; https. dispatch, launch, verdict,
    sweep"""
    REPORT_BUCKET = "REPORT_BUCKET"
    """Bucket of the report site. report"""
    PREPARE_PROJECT = "PREPARE_PROJECT"
    """Name of the CodeBuild project that fetches a commit's source. dispatch, launch, sweep"""
    RESULTS_BUCKET = "RESULTS_BUCKET"
    """Bucket of proof results. dispatch, launch, verdict, report, sweep, preparation"""
    WEBHOOK_SECRET_ARN = "WEBHOOK_SECRET_ARN"  # noqa: S105 - the name of a variable
    """Secret: one string, or a JSON list of one or two while it is rotated. webhook, canary"""
    GITHUB_TOKEN_SECRET_ARN = "GITHUB_TOKEN_SECRET_ARN"  # noqa: S105 - the name of a variable
    """Secret: a GitHub token, a plain string. dispatch, status, sweep, canary"""
    CI_OPERATIONAL_PARAMETER = "CI_OPERATIONAL_PARAMETER"
    """Name of the SSM parameter that holds `true` or `false`. webhook, sweep"""
    GITHUB_UPDATING_PARAMETER = "GITHUB_UPDATING_PARAMETER"
    """Name of the SSM parameter that holds `true` or `false`. status"""
    WEBHOOK_URL = "WEBHOOK_URL"
    """Where GitHub posts; https. canary"""
    GITHUB_REPOSITORY = "GITHUB_REPOSITORY"
    """`owner/name`, the only repository served. dispatch, launch, verdict, status, report,
    sweep, canary"""
    GITHUB_BRANCH = "GITHUB_BRANCH"
    """The branch whose pushes are proved. dispatch, sweep, canary"""
    SNAPSHOT_ID = "SNAPSHOT_ID"
    """The snapshot that the function belongs to; part of every log line. all"""
    JOB_QUEUE = "JOB_QUEUE"
    """Batch job queue. dispatch, launch, sweep"""
    JOB_DEFINITION = "JOB_DEFINITION"
    """Batch job definition, its ARN with the revision. launch, sweep"""
    JOB_ROLE_ID = "JOB_ROLE_ID"
    """ID of the jobs' role, `AROA...`. launch, verdict, sweep"""
    JOB_SECONDS = "JOB_SECONDS"
    """How long an attempt of a job may take. launch, sweep"""
    JOB_MEMORY_MIB = "JOB_MEMORY_MIB"
    """Memory of a job of the smallest class. launch, sweep"""
    GITHUB_API_URL = "GITHUB_API_URL"
    """Optional: another GitHub than the public one; https, or http on loopback. dispatch, status,
    sweep, canary"""


HANDED_ON = (Name.RESULTS_BUCKET,)
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

    def number(self, name: Name) -> int:
        """A variable that is a positive whole number."""
        value = self[name]
        if not value.isascii() or not value.isdecimal() or int(value) <= 0:
            raise ConfigError(f"the function's {name} is no positive whole number")
        return int(value)

    def report_url(self) -> str:
        """The report site without a trailing slash."""
        return safe_url(self[Name.REPORT_URL]).rstrip("/")

    def handed_on(self) -> dict[str, str]:
        """The variables that dispatch gives to the source preparation."""
        return {str(name): self[name] for name in HANDED_ON}

    def github_url(self) -> str:
        """GitHub's API without a trailing slash; never where the token would leak."""
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
