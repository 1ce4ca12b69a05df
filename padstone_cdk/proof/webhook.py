"""The front door: GitHub's events come in, and are kept before they are answered."""

import json

from aws_cdk import aws_apigatewayv2 as gateway
from aws_cdk import aws_apigatewayv2_integrations as integrations
from constructs import Construct

from padstone_cdk.logs import log_group
from padstone_cdk.nag import accept
from padstone_cdk.proof.functions import Code, Limits, ProofFunction
from padstone_cdk.proof.needs import Need, to_read_secret
from padstone_cdk.proof.queues import WorkQueue
from padstone_cdk.proof.switches import Switches

PATH = "/webhook"
_PER_SECOND, _BURST = 20, 40
_OUTAGE = 100  # at 360 seconds each: GitHub may be away for ten hours, and no command is lost
_LOGGED = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "ip": "$context.identity.sourceIp",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "status": "$context.status",
    "bytes": "$context.responseLength",
    "error": "$context.error.message",
    "integrationError": "$context.integrationErrorMessage",
}


class Webhook(Construct):
    """`url` is what GitHub posts to; genuine events end up in `events`."""

    def __init__(
        self, scope: Construct, construct_id: str, *, code: Code, secret: str, switches: Switches
    ) -> None:
        super().__init__(scope, construct_id)
        self._secret = secret
        self.events = WorkQueue(
            self, "Events", known_as="EVENTS_QUEUE_URL", hidden_seconds=360, attempts=_OUTAGE
        )
        self.function = ProofFunction(
            self,
            "Receive",
            code=code,
            name="webhook",
            description="Believes what is signed, and answers once it is kept",
            limits=Limits(seconds=9),  # GitHub waits for ten
            needs=[self.to_sign(), switches.to_obey_operational(), self.events.to_send()],
        )
        api = self._api()
        self.url = f"{api.api_endpoint}{PATH}"

    def to_sign(self) -> Need:
        """Read the secret that GitHub signs with."""
        return to_read_secret("WEBHOOK_SECRET_ARN", self._secret)

    def _api(self) -> gateway.HttpApi:
        api = gateway.HttpApi(
            self,
            "Api",
            description="Takes the events of one GitHub repository",
            create_default_stage=False,
        )
        self._stage(api)
        routes = api.add_routes(
            path=PATH,
            methods=[gateway.HttpMethod.POST],
            integration=integrations.HttpLambdaIntegration("Receive", self.function.function),
        )
        for route in routes:
            accept(route, "GitHub signs what it posts; the function checks that", "APIG4")
        return api

    def _stage(self, api: gateway.HttpApi) -> None:
        group = log_group(self, "AccessLogs")
        gateway.CfnStage(
            self,
            "Stage",
            api_id=api.api_id,
            stage_name="$default",
            auto_deploy=True,  # a change of the API is live as soon as the stack is
            default_route_settings=gateway.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=_PER_SECOND, throttling_burst_limit=_BURST
            ),
            access_log_settings=gateway.CfnStage.AccessLogSettingsProperty(
                destination_arn=group.log_group_arn, format=json.dumps(_LOGGED)
            ),
        )
