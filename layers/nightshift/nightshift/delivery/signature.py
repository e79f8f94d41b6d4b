"""Signatures of callbacks after Standard Webhooks: each tenant has a secret of its own, all derived from one master.

A derived secret needs no storage, and giving one tenant's away says nothing about another's. Needs the standard library
alone, so that tools may import it.
"""

import base64
import hashlib
import hmac
from datetime import datetime
from typing import Final

_SECRET_PREFIX: Final = "whsec_"  # noqa: S105 -- marks secrets, is none
_SECRET_PURPOSE: Final = b"callback-signing:"


def derive_secret(master: bytes, tenant: str) -> str:
    """Return the tenant's signing secret as receivers configure it: `whsec_` and 32 bytes in base64."""
    return _SECRET_PREFIX + _to_base64(_hmac_sha256(master, _SECRET_PURPOSE + tenant.encode()))


def sign(secret: str, delivery_id: str, moment: datetime, body: bytes) -> dict[str, str]:
    """Return the three headers that let a receiver check who sent `body`.

    Args:
        secret: what `derive_secret` returned.
        delivery_id: the same for every attempt, so that receivers recognise repetitions.
        moment: of this attempt; receivers refuse what is older than a few minutes.
    """
    timestamp = str(int(moment.timestamp()))
    key = base64.b64decode(secret.removeprefix(_SECRET_PREFIX))
    signature = _hmac_sha256(key, f"{delivery_id}.{timestamp}.".encode() + body)
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{_to_base64(signature)}",
    }


def _hmac_sha256(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, hashlib.sha256)


def _to_base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
