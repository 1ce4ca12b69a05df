"""What the functions of an account have in common: whom they serve, and where they keep things."""

from __future__ import annotations

from dataclasses import dataclass

from padstone_cdk.proof.functions import Code
from padstone_cdk.proof.needs import Need, joined, to_know, to_read_secret
from padstone_cdk.proof.policies import allow, arn, objects
from padstone_cdk.stack import PadstoneStack, Setting

_READ = ("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query")
_CHANGE = (
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    "dynamodb:ConditionCheckItem",
)


@dataclass(frozen=True, kw_only=True)
class GitHub:
    """The one repository that is served, and the secret `token` for asking about it."""

    repository: str
    branch: str
    api: str
    token: str

    def to_name(self) -> Need:
        """Know the repository."""
        return to_know(GITHUB_REPOSITORY=self.repository)

    def to_call(self) -> Need:
        """Call GitHub's API for the repository."""
        return joined(
            [
                self.to_name(),
                to_know(GITHUB_API_URL=self.api),
                to_read_secret("GITHUB_TOKEN_SECRET_ARN", self.token),
            ]
        )

    def to_judge(self) -> Need:
        """Ask what an event is worth: the branch counts, too."""
        return joined([self.to_call(), to_know(GITHUB_BRANCH=self.branch)])


@dataclass(frozen=True)
class Runs:
    """The table of runs, by its name."""

    table: str

    def to_read(self) -> Need:
        """Read runs and their proofs."""
        return self._to(*_READ)

    def to_record(self) -> Need:
        """Read them, and change them in transactions."""
        return self._to(*_READ, *_CHANGE)

    def _to(self, *actions: str) -> Need:
        return Need(
            environment={"RUNS_TABLE": self.table},
            statements=(allow([arn("dynamodb", f"table/{self.table}")], *actions),),
        )


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A bucket by its name, the variable that tells it, and the parameter that it comes from."""

    name: str
    variable: str
    parameter: str

    @classmethod
    def of(cls, stack: PadstoneStack, setting: Setting, variable: str) -> Bucket:
        """Return the bucket that a setting names."""
        return cls(name=stack.text(setting), variable=variable, parameter=setting.name)

    def to_name(self) -> Need:
        """Know the bucket."""
        return Need(environment={self.variable: self.name})

    def to_read(self, *patterns: str) -> Need:
        """Read the objects with such keys; it cannot be asked which there are."""
        return self._to("s3:GetObject", patterns)

    def to_write(self, *patterns: str) -> Need:
        """Write objects with such keys."""
        return self._to("s3:PutObject", patterns)

    def arns(self, *patterns: str) -> list[str]:
        """Return the ARNs of the objects with such keys."""
        return [objects(self.name, pattern) for pattern in patterns]

    def findings(self, *patterns: str) -> tuple[str, ...]:
        """Return those ARNs as findings of cdk-nag name them."""
        bucket = f"arn:<AWS::Partition>:s3:::<{self.parameter}>"
        shown = (pattern.replace("${", "<").replace("}", ">") for pattern in patterns)
        return tuple(f"{bucket}/{pattern}" for pattern in shown if "*" in pattern)

    def _to(self, action: str, patterns: tuple[str, ...]) -> Need:
        return Need(
            environment={self.variable: self.name},
            statements=(allow(self.arns(*patterns), action),),
            findings=self.findings(*patterns),
        )


@dataclass(frozen=True, kw_only=True)
class Common:
    """The code of the functions, the project they serve, its runs and their results."""

    code: Code
    github: GitHub
    runs: Runs
    results: Bucket
