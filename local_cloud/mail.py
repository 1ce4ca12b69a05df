"""An outbox for the e-mail that SNS topics would send."""

from typing import Any

from ministack.core.responses import get_account_id
from ministack.services import sns


def install() -> list[dict[str, str]]:
    """Catches e-mail of all accounts; the list grows as messages come."""
    outbox: list[dict[str, str]] = []
    stock = sns._fanout

    def fanout(
        topic_arn: str, msg_id: str, message: str, subject: str, *rest: Any, **more: Any
    ) -> Any:
        for subscription in sns._topics.get(topic_arn, {}).get("subscriptions", []):
            if subscription.get("protocol") in ("email", "email-json"):
                outbox.append(_mail(topic_arn, subscription, subject, message))
        return stock(topic_arn, msg_id, message, subject, *rest, **more)

    sns._fanout = fanout
    return outbox


def _mail(
    topic_arn: str, subscription: dict[str, Any], subject: str, message: str
) -> dict[str, str]:
    return {
        "account": get_account_id(),
        "topic": topic_arn,
        "address": str(subscription.get("endpoint", "")),
        "subject": subject or "",
        "message": message,
    }
