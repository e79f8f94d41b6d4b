"""The payload bucket as the collector sees it: its objects, whether items refer to them, and since when none does."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from nightshift.clock import from_iso, to_iso
from nightshift.domain.errors import TransientError
from nightshift.storage.dynamo import Dynamo, Put
from nightshift.storage.keys import item_of_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import TagTypeDef

UNREFERENCED_SINCE: Final = "unreferenced-since"
"""Tag of an object that no item referred to when it was looked at; its value is the time."""

_POSITION: Final = {"pk": "#payload-objects"}
"""No tenant's key: it begins with no name."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object of the bucket; an object is written once."""

    key: str
    written_at: datetime


@dataclass(frozen=True, slots=True)
class PayloadObjects:
    """The objects, the tables whose items refer to them, and how far the last pass came."""

    client: "S3Client"
    bucket: str
    dynamo: Dynamo
    agents_table: str
    messages_table: str
    runs_table: str

    def page_after(self, key: str) -> list[StoredObject]:
        """Return up to 1,000 objects behind this key in the order of keys; none at the end."""
        with _translated("list its objects"):
            answer = self.client.list_objects_v2(Bucket=self.bucket, StartAfter=key)
        return [StoredObject(one["Key"], one["LastModified"]) for one in answer.get("Contents", [])]

    def unreferenced(self, keys: Sequence[str]) -> list[str]:
        """Return those to which their item does not refer, read consistently; names of another form are left out."""
        items = {key: item for key in keys if (item := item_of_object(key))}
        referenced: set[str] = set()
        tables = {"agents": self.agents_table, "messages": self.messages_table, "runs": self.runs_table}
        for name, table in tables.items():
            wanted = {tuple(key.items()): key for owner, key in items.values() if owner == name}
            found = self.dynamo.get_many(table, list(wanted.values()), consistent=True) if wanted else []
            referenced |= {item["payload_key"] for item in found if "payload_key" in item}
        return [key for key in items if key not in referenced]

    def noted_at(self, key: str) -> datetime | None:
        """Return since when the object is known to be unreferenced, None when it is not."""
        with _translated(f"give the tags of {key}"):
            tags = self.client.get_object_tagging(Bucket=self.bucket, Key=key)["TagSet"]
        return next((from_iso(tag["Value"]) for tag in tags if tag["Key"] == UNREFERENCED_SINCE), None)

    def note(self, key: str, now: datetime) -> None:
        """Note that the object is unreferenced."""
        tag: TagTypeDef = {"Key": UNREFERENCED_SINCE, "Value": to_iso(now)}
        with _translated(f"tag {key}"):
            self.client.put_object_tagging(Bucket=self.bucket, Key=key, Tagging={"TagSet": [tag]})

    def remove(self, key: str) -> None:
        """Remove an object; as an older version it stays as long as the bucket's lifecycle rule says."""
        with _translated(f"remove {key}"):
            self.client.delete_object(Bucket=self.bucket, Key=key)

    def read_position(self) -> str:
        """Return the key behind which the next pass begins; empty for the beginning."""
        item = self.dynamo.get(self.agents_table, _POSITION)
        return str(item["object_key"]) if item else ""

    def write_position(self, key: str) -> None:
        """Let the next pass begin behind this key."""
        self.dynamo.write(Put(self.agents_table, _POSITION | {"object_key": key}))


@contextmanager
def _translated(action: str) -> Iterator[None]:
    """Turn what boto3 raises into the product's error."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise TransientError(f"the payload bucket did not {action}: {error}") from error
