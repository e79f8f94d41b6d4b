"""CallbackQueue → one POST for each due delivery, up to ten at once: a slow receiver must not hold up nine others."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from nightshift.clock import SystemClock
from nightshift.delivery.deliver import Deliverer
from nightshift.delivery.send import Sender
from nightshift.doorbell_batch import answer_doorbells
from nightshift.outbound.url_guard import UrlGuard
from nightshift.settings import DeliverySettings
from nightshift.storage import clients
from nightshift.storage.deliveries import Deliveries
from nightshift.storage.doorbells import Doorbell
from nightshift.storage.dynamo import Dynamo
from nightshift.storage.messages import Messages
from nightshift.storage.payloads import Payloads
from nightshift.storage.runs import Runs
from nightshift.storage.secrets import Secret
from nightshift.telemetry import logger


@dataclass(frozen=True, slots=True)
class _Delivery:
    deliverer: Deliverer
    signing_secret: Secret


@cache
def _delivery() -> _Delivery:
    settings = DeliverySettings.from_environment()
    # Its own three aggregates instead of the whole Database: the others cost a cold start 5 ms for nothing.
    dynamo, tables = Dynamo(clients.dynamodb()), settings.tables
    payloads = Payloads(clients.s3(), tables.payload_bucket)
    deliverer = Deliverer(
        SystemClock(),
        Runs(dynamo, tables.runs_table, payloads),
        Messages(dynamo, tables.messages_table, payloads),
        Deliveries(dynamo, tables.runs_table),
        Doorbell(clients.sqs(), settings.callback_queue_url),
        Sender(SystemClock(), UrlGuard(allow_private=settings.allow_private_callbacks)),
    )
    secret = Secret(settings.signing_secret_arn, settings.secrets_max_age)
    return _Delivery(deliverer, secret)


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Answer all doorbells of the batch and report those that must ring again."""
    delivery = _delivery()
    # Read before anything is claimed: without it no attempt can be made, and none is used up.
    signing_master = delivery.signing_secret.text().encode()
    return answer_doorbells(event, lambda ring: delivery.deliverer.answer(ring, signing_master))
