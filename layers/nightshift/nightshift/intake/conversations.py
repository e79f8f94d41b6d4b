"""Creates, finds, changes, forks and deletes conversations (letta_api_spec §5.2).

A conversation is a lane of execution of its own with its own log; what clients say about it is a description, listed
by agent. Both are made and marked deleted in one transaction; a runner removes what is left.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from nightshift.clock import Clock
from nightshift.domain import ids
from nightshift.domain.conversation import ContextStart, Conversation
from nightshift.domain.description import Description
from nightshift.domain.errors import ConditionFailedError, NotFoundError
from nightshift.domain.message import Message
from nightshift.intake.conversation_path import Place, agent_in, find_place
from nightshift.intake.conversation_view import ConversationView, show_conversation
from nightshift.intake.history import HIGHEST, read_context
from nightshift.intake.listing import Listing, list_indexed
from nightshift.intake.wire.conversations import (
    ConversationFields,
    CreateConversation,
    ForkQuery,
    ListConversationsQuery,
    UpdateConversation,
)
from nightshift.models.handles import parse_handle
from nightshift.storage.database import Database
from nightshift.storage.doorbells import Doorbell, Ring
from nightshift.storage.dynamo import Check, Write
from nightshift.telemetry import logger

MAX_FORKED_MESSAGES = 200
"""Newest messages that a fork takes along by copy; older ones stay with the conversation they were said in."""

MAX_SHOWN_MESSAGE_IDS = 100
"""Newest messages whose ids a conversation shows; GET …/messages pages through all."""

_COPIED = ("summary", "description", "model", "model_settings", "context_window_tokens")

COPY_BATCH = 40
"""Messages of one transaction while copying: with the largest inline payloads below its 4 MB."""


@dataclass(frozen=True, slots=True)
class ConversationRegistry:
    """The conversations of all tenants; every call names its tenant."""

    database: Database
    doorbell: Doorbell
    clock: Clock

    def create(self, tenant: str, agent_id: str, body: CreateConversation) -> ConversationView:
        """Make an empty conversation whose system message holds the agent's memory as it is now.

        Raises:
            NotFoundError: no such agent, or no such provider.
        """
        fields = _fields_of(body) | {"is_hidden": bool(body.hidden)}
        return self._create(self._describe(tenant, agent_id, fields), [])

    def get(self, tenant: str, conversation_id: str) -> ConversationView:
        """Return the conversation with the ids of its newest messages.

        Raises:
            NotFoundError: this tenant has none of this id.
        """
        place = find_place(self.database, tenant, conversation_id)
        return self._view(place)

    def list(self, tenant: str, query: ListConversationsQuery) -> list[ConversationView]:
        """Return a page of the agent's conversations by time of creation, without its default one.

        Raises:
            NotFoundError: no such agent, or the cursor names no conversation.
        """
        find_place(self.database, tenant, query.agent_id)
        descriptions = self.database.descriptions
        listing = Listing(
            page=lambda forward, limit, start: descriptions.list_page(
                tenant, query.agent_id, forward=forward, limit=limit, start=start
            ),
            load=lambda entries: descriptions.get_many(tenant, [entry["conversation_id"] for entry in entries]),
            is_wanted=lambda one: _is_wanted(one, query),
            show=lambda one: show_conversation(ConversationView(one)),
            start_of=lambda cursor: descriptions.index_key(self._require(tenant, cursor)),
        )
        found = list_indexed(listing, query)
        lanes = {lane.id: lane for lane in self.database.conversations.get_many(tenant, [one.id for one in found])}
        return [ConversationView(one, lanes[one.id].last_run_at) for one in found if one.id in lanes]

    def update(self, tenant: str, conversation_id: str, body: UpdateConversation) -> ConversationView:
        """Change what is said about the conversation; its messages stay as they are.

        Raises:
            InvalidRequestError: an agent's default conversation.
            NotFoundError: no such conversation, or no such provider.
        """
        place = find_place(self.database, tenant, conversation_id)
        before = place.require_description()
        now = self.clock.now()
        changes: dict[str, Any] = _fields_of(body) | _times_of(body, before, now)
        after = replace(before, **changes, updated_at=now)
        try:
            self.database.descriptions.replace(after)
        except ConditionFailedError as failed:
            raise NotFoundError(f"Conversation not found: {conversation_id}") from failed
        return self._view(replace(place, description=after))

    def delete(self, tenant: str, conversation_id: str) -> None:
        """Delete the conversation. Its waiting runs end `cancelled` with their callbacks, then its messages go.

        Raises:
            InvalidRequestError: an agent's default conversation.
            NotFoundError: no such conversation.
        """
        find_place(self.database, tenant, conversation_id).require_description()
        try:
            self.database.transact(
                [
                    self.database.descriptions.delete(tenant, conversation_id),
                    self.database.conversations.mark_deleted(tenant, conversation_id, self.clock.now()),
                ],
            )
        except ConditionFailedError as failed:
            raise NotFoundError(f"Conversation not found: {conversation_id}") from failed
        logger.info("conversation deleted", conversation_id=conversation_id)
        self.doorbell.try_to_ring(Ring(tenant, conversation_id))

    def fork(self, tenant: str, place: Place, query: ForkQuery) -> ConversationView:
        """Make a conversation that begins with what was said in another one, up to a message if that is named.

        Raises:
            NotFoundError: the other conversation has no such message.
        """
        last = HIGHEST if query.message_id is None else self._sequence_of(place, query.message_id)
        copied = read_context(self.database, place.lane, last=last, limit=MAX_FORKED_MESSAGES)
        source = place.description
        fields: dict[str, Any] = {"is_hidden": query.hidden}
        if source is not None:
            fields |= {name: getattr(source, name) for name in _COPIED}
        return self._create(self._describe(tenant, place.lane.agent_id, fields), copied)

    def _require(self, tenant: str, conversation_id: str) -> Description:
        is_possible = ids.is_well_formed("conv", conversation_id)
        found = self.database.descriptions.get(tenant, conversation_id) if is_possible else None
        if found is None:
            raise NotFoundError(f"Conversation not found: {conversation_id}")
        return found

    def _view(self, place: Place) -> ConversationView:
        """Return what is shown of a conversation: an agent's default one looks like any other."""
        lane = place.lane
        newest = read_context(self.database, lane, last=HIGHEST, limit=MAX_SHOWN_MESSAGE_IDS)
        system = self.database.messages.system_message(lane.tenant, lane.id)
        shown = tuple(message.id for message in [*([system] if system else []), *newest])
        description = place.description or self._describe_default(lane, system)
        return ConversationView(description, lane.last_run_at, shown)

    def _describe_default(self, lane: Conversation, system: Message | None) -> Description:
        made_at = system.created_at if system else self.clock.now()
        return Description(lane.id, lane.tenant, lane.agent_id, created_at=made_at, updated_at=made_at)

    def _sequence_of(self, place: Place, message_id: str) -> int:
        lane, sequence = place.lane, ids.sequence_of_message(message_id)
        found = self.database.messages.get(lane.tenant, lane.id, sequence)
        if found is None or found.id != message_id:
            raise NotFoundError(f"Message not found: {message_id}")
        return sequence

    def _describe(self, tenant: str, agent_id: str, fields: dict[str, Any]) -> Description:
        now = self.clock.now()
        conversation_id = ids.new_id("conv")
        return Description(conversation_id, tenant, agent_id, created_at=now, updated_at=now, **fields)

    def _create(self, description: Description, copied: Sequence[Message]) -> ConversationView:
        """Write the copies, then all the rest at once: a crash between leaves messages that nothing refers to."""
        tenant, database = description.tenant, self.database
        find_place(database, tenant, description.agent_id)
        placed = [replace(one, id=ids.message_id(at), sequence=at) for at, one in enumerate(copied, 1)]
        for start in range(0, len(placed), COPY_BATCH):
            batch = placed[start : start + COPY_BATCH]
            database.transact([database.messages.append(tenant, description.id, message) for message in batch])
        made = database.conversations.create(
            tenant,
            description.id,
            description.agent_id,
            next_sequence=len(placed) + 1,
            context=ContextStart(1, 1) if placed and placed[0].is_summary else None,
        )
        from nightshift.storage.system_message import compile_system_message  # noqa: PLC0415 -- only here

        agent = agent_in(database, tenant, description.agent_id, description)
        system = compile_system_message(database, agent, description.id, description.created_at, len(placed))
        writes: list[Write | Check] = [
            database.conversations.require(tenant, description.agent_id),
            database.descriptions.create(description),
            made,
        ]
        try:
            database.transact([*writes, database.messages.append(tenant, description.id, system)])
        except ConditionFailedError as failed:
            raise NotFoundError(f"Agent with ID {description.agent_id} not found") from failed
        logger.info("conversation created", conversation_id=description.id, agent_id=description.agent_id)
        return ConversationView(description, None, (system.id, *(message.id for message in placed)))


def _fields_of(body: ConversationFields) -> dict[str, Any]:
    """Return what a body names of a description's fields, null included."""
    if body.model is not None:
        parse_handle(body.model)
    named = {name: getattr(body, name) for name in ConversationFields.model_fields if name in body.model_fields_set}
    if "context_window_limit" in named:
        named["context_window_tokens"] = named.pop("context_window_limit")
    return named


def _times_of(body: UpdateConversation, before: Description, now: datetime) -> dict[str, datetime | None]:
    times: dict[str, datetime | None] = {}
    if body.archived is not None:
        times["archived_at"] = (before.archived_at or now) if body.archived else None
    if "last_message_at" in body.model_fields_set:
        moment = body.last_message_at
        times["last_message_at"] = moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
    return times


def _is_wanted(description: Description, query: ListConversationsQuery) -> bool:
    is_archived = description.archived_at is not None
    checks = (
        not description.is_hidden,
        query.archive_status == "all" or is_archived is (query.archive_status == "archived"),
        query.summary_search is None or query.summary_search.lower() in (description.summary or "").lower(),
    )
    return all(checks)
