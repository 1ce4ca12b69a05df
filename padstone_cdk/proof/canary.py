"""Once a day the canary does what GitHub does; what does not come of it is missed."""

from constructs import Construct

from padstone_cdk.proof.common import Common
from padstone_cdk.proof.functions import ProofFunction
from padstone_cdk.proof.needs import to_know
from padstone_cdk.proof.queues import dead_letters
from padstone_cdk.proof.schedules import scheduled
from padstone_cdk.proof.webhook import Webhook

_DAILY = "cron(0 13 * * ? *)"


class Canary(Construct):
    """`function` posts a signed push of the branch's head."""

    def __init__(
        self, scope: Construct, construct_id: str, *, common: Common, webhook: Webhook
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = ProofFunction(
            self,
            "Sing",
            code=common.code,
            name="canary",
            description="Posts a signed push of the branch's head, as GitHub would",
            needs=[
                common.github.to_judge(),
                webhook.to_sign(),
                to_know(WEBHOOK_URL=webhook.url),
            ],
            undelivered=dead_letters(self, "Undelivered"),
        )
        scheduled(
            self,
            "Daily",
            "Lets the canary sing",
            expression=_DAILY,
            function=self.function,
        )
