"""JSON values of any size: small ones inside their item, large ones in the payload bucket by reference (promise 11)."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from nightshift.domain.errors import TransientError
from nightshift.storage.dynamo import Item

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_INLINE_BYTES = 64 * 1024
"""Above this an object is cheaper than an item, and 50 items of one transaction stay below its 4 MB."""


@dataclass(frozen=True, slots=True)
class Payloads:
    """The payload bucket. Objects are named by their content: writing one twice is harmless."""

    client: "S3Client"
    bucket: str

    def pack(self, tenant: str, value: Any, owner: str = "") -> Item:
        """Return the attribute that holds the value or refers to it; a large one is written to the bucket first.

        `owner` is whose deletion removes the object; what others keep of the same content is theirs alone.
        Written before the item that refers to it: a crash between leaves an unused object, never a broken reference.
        """
        # A model may answer half a surrogate pair, which no UTF-8 can hold.
        data = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        if len(data) <= MAX_INLINE_BYTES:
            return {"payload": data.decode()}
        key = f"{tenant}/{owner and owner + '/'}{hashlib.sha256(data).hexdigest()}"
        try:
            self.client.put_object(Bucket=self.bucket, Key=key, Body=data, ContentType="application/json")
        except (ClientError, BotoCoreError) as error:
            raise TransientError(f"the payload bucket did not take {len(data)} bytes: {error}") from error
        return {"payload_key": key}

    def unpack(self, item: Item) -> Any:
        """Return the value that `pack` put into this item."""
        if "payload" in item:
            return json.loads(item["payload"])
        try:
            answer = self.client.get_object(Bucket=self.bucket, Key=item["payload_key"])
            return json.loads(answer["Body"].read())
        except (ClientError, BotoCoreError) as error:
            raise TransientError(f"the payload bucket did not give {item['payload_key']}: {error}") from error

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects whose items are about to go; a key that is gone already is no error."""
        for key in keys:
            try:
                self.client.delete_object(Bucket=self.bucket, Key=key)
            except (ClientError, BotoCoreError) as error:
                raise TransientError(f"the payload bucket did not remove {key}: {error}") from error
