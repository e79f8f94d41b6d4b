"""JSON values of any size: small ones inside their item, large ones in the payload bucket by reference (promise 11)."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from nightshift.domain.errors import PayloadMissingError, TransientError
from nightshift.storage.dynamo import Item

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from nightshift.storage.keys import PayloadTable

MAX_INLINE_BYTES = 64 * 1024
"""Above this an object is cheaper than an item, and 50 items of one transaction stay below its 4 MB."""


_MISSING: Final = frozenset({"NoSuchKey", "AccessDenied"})
"""What GetObject says of an object that is not there, with and without s3:ListBucket (S3 API reference)."""


@dataclass(frozen=True, slots=True)
class Payloads:
    """The payload bucket, as writers and readers of items use it.

    An object belongs to one item and is never written twice. None is removed here, since others may be about to read
    what an item referred to a moment ago: recovery/collect.py does it later, by what the items say then.
    """

    client: "S3Client"
    bucket: str

    def pack(self, table: "PayloadTable", item: Item, value: Any) -> Item:
        """Return the item with the value in it, or with a reference to it; a large one is written to the bucket first.

        Written before the item that refers to it: a crash between leaves an unused object, never a broken reference.
        """
        # A model may answer half a surrogate pair, which no UTF-8 can hold.
        data = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        if len(data) <= MAX_INLINE_BYTES:
            return item | {"payload": data.decode()}
        from nightshift.storage.keys import new_object_key  # noqa: PLC0415 -- few contents are large

        key = new_object_key(table, item)
        try:
            self.client.put_object(Bucket=self.bucket, Key=key, Body=data, ContentType="application/json")
        except (ClientError, BotoCoreError) as error:
            raise TransientError(f"the payload bucket did not take {len(data)} bytes: {error}") from error
        return item | {"payload_key": key}

    def unpack(self, item: Item) -> Any:
        """Return the value that `pack` put into this item.

        Raises:
            PayloadMissingError: its object is not there, or may not be read.
            TransientError: the bucket did not answer.
        """
        if "payload" in item:
            return json.loads(item["payload"])
        try:
            answer = self.client.get_object(Bucket=self.bucket, Key=item["payload_key"])
            return json.loads(answer["Body"].read())
        except (ClientError, BotoCoreError) as error:
            kind = PayloadMissingError if _code_of(error) in _MISSING else TransientError
            raise kind(f"the payload bucket did not give {item['payload_key']}: {error}") from error


def _code_of(error: ClientError | BotoCoreError) -> str:
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
