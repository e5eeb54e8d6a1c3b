"""Webhooks of a store: order them, and tell genuine ones."""

import base64
import json

from app.channels import decoding
from app.channels.contract import PushMessage, PushRequest, ShopAccess
from app.channels.errors import Malformed, Rejected
from app.connectors.plugo_store import addresses, wire
from app.connectors.plugo_store.client import Client
from app.connectors.plugo_store.signing import sign_webhook

TOPICS = ("order.created", "order.updated", "order.deleted", "order.restored")
_PING = b"webhook_id="
_SHORT = 40


async def subscribe(client: Client, access: ShopAccess, url: str, secret: str) -> None:
    """One webhook per topic for this address; those the shop switched off are woken. Repeatable."""
    answer = await client.read("/webhooks", access, {"per_page": "100", "status": "all"})
    if not isinstance(answer.body, list):
        raise Malformed("unreadable_answer", "not a list")
    known = [decoding.read_answer(wire.Webhook, row) for row in answer.body]
    mine = {hook.topic: hook for hook in known if hook.delivery_url == url}
    for topic in TOPICS:
        hook = mine.get(topic)
        if hook is None:
            await client.reserve(access)
            body = {"name": f"PlugoSync {topic}", "topic": topic, "delivery_url": url, "secret": secret}
            await client.write("/webhooks", access, body, method="POST")
        elif hook.status != "active":
            await client.reserve(access)
            await client.write(f"/webhooks/{hook.id}", access, {"status": "active"})


def is_ping(request: PushRequest) -> bool:
    """The shop's greeting after a subscription: a form without signature."""
    return (
        request.body.startswith(_PING)
        and len(request.body) <= _SHORT
        and request.body[len(_PING) :].isdigit()
        and "x-wc-webhook-signature" not in request.headers
    )


def source_of(request: PushRequest) -> str | None:
    """The store that says it sends this, in the form accounts are known by."""
    try:
        return addresses.normalise(request.headers.get("x-wc-webhook-source", ""))
    except Rejected:
        return None


def digest(secret: str, body: bytes) -> bytes:
    """The signature's bytes."""
    return base64.b64decode(sign_webhook(secret, body))


def to_push_message(request: PushRequest) -> PushMessage:
    """After verification. Raises Malformed."""
    if is_ping(request):
        return PushMessage("verification")
    account = source_of(request)
    topic = request.headers.get("x-wc-webhook-topic", "")
    if not topic.startswith("order."):
        return PushMessage("ignored", account)
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise Malformed("unreadable_push", "not JSON") from error
    order_id = body.get("id") if isinstance(body, dict) else None
    if not isinstance(order_id, int) or isinstance(order_id, bool):
        raise Malformed("unreadable_push", "no order id")
    return PushMessage("order", account, str(order_id))
