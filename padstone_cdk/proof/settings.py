"""The parameters of the proof account's stacks.

Only what belongs to a project or an account; what belongs to a snapshot is a literal.
"""

from padstone_cdk.stack import Setting
from padstone_cdk.wiring import bucket

_EMAIL = r"[^\s@]{1,64}@[^\s@]{1,190}"
_EMAIL_RULE = "an e-mail address"

PROJECT_NAME = Setting(
    name="ProjectName",
    description="The project, as people call it: a title on dashboards and in e-mail",
    pattern=r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}",
    constraint="1 to 64 letters, digits, blanks, dots, hyphens and underscores",
)
NOTIFICATION_ADDRESS = Setting(
    name="NotificationAddress",
    description="Who is told of alarms by e-mail",
    pattern=_EMAIL,
    constraint=_EMAIL_RULE,
)
SIM_ADDRESS = Setting(
    name="SIMAddress",
    description="Address that opens a ticket for an e-mail; may equal NotificationAddress",
    pattern=_EMAIL,
    constraint=_EMAIL_RULE,
)
GITHUB_REPOSITORY = Setting(
    name="GitHubRepository",
    description="The only repository served, as owner/name",
    pattern=r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}",
    constraint="a GitHub repository as owner/name",
)
GITHUB_BRANCH = Setting(
    name="GitHubBranchName",
    description="Branch whose pushes are proved",
    pattern=r"[A-Za-z0-9_][A-Za-z0-9._/+-]{0,199}",
    constraint="the name of a branch, without refs/heads/",
)
GITHUB_API = Setting(
    name="GitHubApiUrl",
    description="API of GitHub, or of another one than the public one",
    pattern=r"https://[A-Za-z0-9.-]+(:\d+)?(/[A-Za-z0-9._/-]*)?"
    r"|http://(127\.0\.0\.1|localhost)(:\d+)?(/[A-Za-z0-9._/-]*)?",
    constraint="an https URL (http on loopback only)",
    default="https://api.github.com",
)
CI_OPERATIONAL = Setting(
    name="CiOperational",
    description="Whether events of GitHub start proofs",
    allowed=("true", "false"),
    default="true",
)
GITHUB_UPDATING = Setting(
    name="GitHubUpdating",
    description="Whether verdicts are written to GitHub",
    allowed=("true", "false"),
    default="true",
)
MAX_VCPUS = Setting(
    name="MaxVcpus",
    description="Most vCPUs that run proofs at one time",
    type="Number",
    default="64",
    minimum=1,
    maximum=10_000,
    constraint="a number from 1 to 10000",
)
JOB_VCPUS = Setting(
    name="JobVcpus",
    description="vCPUs of one proof",
    type="Number",
    default="2",
    minimum=1,
    maximum=96,
    constraint="a number from 1 to 96",
)
JOB_MEMORY = Setting(
    name="JobMemoryMiB",
    description="Memory of one proof, in MiB",
    type="Number",
    default="14000",
    minimum=512,
    maximum=760_000,
    constraint="a number from 512 to 760000",
)
JOB_TIMEOUT = Setting(
    name="JobTimeoutSeconds",
    description="After how many seconds an attempt at a proof is ended",
    type="Number",
    default="7200",
    minimum=60,
    maximum=604_800,
    constraint="a number from 60 to 604800",
)
RESULTS_BUCKET = bucket("ResultsBucketName", "Bucket of sources, outputs and verdicts of runs")
REPORT_BUCKET = bucket("ReportBucketName", "Bucket behind the report site")
RUNS_TABLE = Setting(
    name="RunsTableName",
    description="Table of runs and their proofs",
    pattern=r"[A-Za-z0-9_.-]{3,255}",
    constraint="the name of a DynamoDB table",
)
_ARN_OF_SECRET = r"arn:[a-z-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:\S+"  # noqa: S105 - the form of an ARN
WEBHOOK_SECRET = Setting(
    name="WebhookSecretArn",
    description="Secret with which GitHub signs what it posts",
    pattern=_ARN_OF_SECRET,
    constraint="the ARN of a secret",
)
GITHUB_TOKEN_SECRET = Setting(
    name="GitHubTokenSecretArn",
    description="Secret that holds the token for writing statuses to GitHub",
    pattern=_ARN_OF_SECRET,
    constraint="the ARN of a secret",
)
REPOSITORY_ACCESS = Setting(
    name="RepositoryAccess",
    description="Whether the repository is public, or fetched with the token",
    allowed=("public", "private"),
    default="public",
)
REPORT_VISIBILITY = Setting(
    name="ReportVisibility",
    description="Whether everybody may read reports at the site, or nobody",
    allowed=("private", "public"),
    default="private",
)
