"""Once a day the canary does what GitHub does; what does not come of it is missed."""

from constructs import Construct

from padstone_cdk.proof.functions import Code, ProofFunction
from padstone_cdk.proof.policies import allow
from padstone_cdk.proof.queues import dead_letters
from padstone_cdk.proof.schedules import scheduled

_DAILY = "cron(0 13 * * ? *)"


class Canary(Construct):
    """`function` posts a signed push of the branch's head; `undelivered` holds lost calls of it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: Code,
        webhook_secret: str,
        token: str,
        url: str,
        repository: str,
        branch: str,
        github_api: str,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = ProofFunction(
            self,
            "Sing",
            code=code,
            name="canary",
            description="Posts a signed push of the branch's head, as GitHub would",
            environment={
                "WEBHOOK_SECRET_ARN": webhook_secret,
                "GITHUB_TOKEN_SECRET_ARN": token,
                "WEBHOOK_URL": url,
                "GITHUB_REPOSITORY": repository,
                "GITHUB_BRANCH": branch,
                "GITHUB_API_URL": github_api,
            },
            statements=[allow([webhook_secret, token], "secretsmanager:GetSecretValue")],
        )
        self.undelivered = dead_letters(self, "Undelivered")
        scheduled(
            self,
            "Daily",
            "Lets the canary sing",
            expression=_DAILY,
            function=self.function,
            undelivered=self.undelivered,
        )
