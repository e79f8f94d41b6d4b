"""Signatures, judged by the reference library of Standard Webhooks."""

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from nightshift.clock import SystemClock
from nightshift.delivery.signature import derive_secret, sign
from performance.cold_start import ColdStarts

MASTER = b"correct horse battery staple"
BODY = '{"run_id":"run-1","text":"名前"}'.encode()


def test_reference_library_accepts_signature() -> None:
    secret = derive_secret(MASTER, "default")
    headers = sign(secret, "delivery-1", SystemClock().now(), BODY)
    assert Webhook(secret).verify(BODY, headers) == {"run_id": "run-1", "text": "名前"}


def test_signature_is_what_reference_library_makes() -> None:
    secret, moment = derive_secret(MASTER, "default"), datetime(2026, 11, 25, 9, 0, 0, 999_000, tzinfo=UTC)
    expected = Webhook(secret).sign("delivery-1", moment, BODY.decode())
    assert sign(secret, "delivery-1", moment, BODY) == {
        "webhook-id": "delivery-1",
        "webhook-timestamp": "1795597200",
        "webhook-signature": expected,
    }


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "delivery-2"},
        {"webhook-timestamp": str(int((SystemClock().now() + timedelta(seconds=30)).timestamp()))},
    ],
)
def test_changed_header_is_refused(change: dict[str, str]) -> None:
    secret = derive_secret(MASTER, "default")
    headers = sign(secret, "delivery-1", SystemClock().now(), BODY) | change
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY, headers)


def test_changed_body_is_refused() -> None:
    secret = derive_secret(MASTER, "default")
    headers = sign(secret, "delivery-1", SystemClock().now(), BODY)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY + b" ", headers)


def test_another_tenants_secret_does_not_verify() -> None:
    headers = sign(derive_secret(MASTER, "one"), "delivery-1", SystemClock().now(), BODY)
    with pytest.raises(WebhookVerificationError):
        Webhook(derive_secret(MASTER, "two")).verify(BODY, headers)


def test_secret_has_32_bytes_and_does_not_change_between_versions() -> None:
    # Receivers have it in their configuration: another derivation would break every one of them.
    secret = derive_secret(MASTER, "default")
    assert secret == "whsec_q7CgzIReQtdljoPErBoFK6vtberH/DNbFrj9vITr9qI="
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32


def test_secret_is_derived_without_boto3(tmp_path: Path) -> None:
    loaded = ColdStarts(tmp_path).run("from nightshift.delivery.signature import derive_secret").modules
    assert not {"boto3", "botocore", "urllib3", "aws_lambda_powertools"} & loaded
