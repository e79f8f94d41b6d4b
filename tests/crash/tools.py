"""Scenarios of tools: in sequence and at the same time, approved, the client's own, and what base tools write."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from crash.scenario import NEVER_REPEATED, Json, Scenario
from nightshift.domain.stop_reason import StopReason
from support.lane import TENANT
from support.scripted_model.answers import Answer, Call, Reply
from support.scripted_model.rules import Rule
from support.scripted_model.seen import SeenRequest

if TYPE_CHECKING:
    from crash.world import World


def _calling(*names: str, arguments: str = "{}") -> Reply:
    return Reply(tool_calls=tuple(Call(name, arguments) for name in names))


def _in_order(*answers: Answer) -> Rule:
    """Make a model that gives the n-th answer after n answers of tools: the same one when it is asked again."""

    def rule(seen: SeenRequest) -> Answer:
        returns = 0
        for earlier, turn in zip((None, *seen.turns), seen.turns, strict=False):
            returns += turn.role == "tool" and (earlier is None or earlier.role != "tool")
        return answers[min(returns, len(answers) - 1)]

    return rule


def _approved(ids: list[str]) -> Json:
    return {"type": "approval", "approvals": [{"tool_call_id": one, "approve": True} for one in ids]}


def _executed(ids: list[str]) -> Json:
    items = [{"tool_call_id": one, "tool_return": "3 m", "status": "success"} for one in ids]
    return {"type": "tool_return", "tool_returns": items}


def _remembered_once(world: "World") -> str | None:
    agent = world.lane.database.agents.get(TENANT, world.lane.agent.id)
    assert agent is not None
    (block,) = world.lane.database.blocks.get_many(TENANT, agent.block_ids)
    wanted = "Ada" + "\nagain" * _successes(world, "memory_insert")
    return None if block.value == wanted else f"the block is {block.value!r} instead of {wanted!r}"


def _kept_once(world: "World") -> str | None:
    passages = world.lane.database.passages
    kept, counted = list(passages.newest(TENANT, world.lane.agent.id)), passages.count(TENANT, world.lane.agent.id)
    wanted = _successes(world, "archival_memory_insert")
    return None if len(kept) == counted == wanted else f"{len(kept)} passages, {counted} counted, instead of {wanted}"


def _successes(world: "World", name: str) -> int:
    returns: Iterator[Any] = (given for message in world.lane.log for given in message.draft.tool_returns)
    return sum(given.name == name and given.status == "success" for given in returns)


_DONE = Reply("done")
_TWICE = _in_order(_calling("pay"), _calling("pay"), _DONE)
_MEMORY = {
    "memory_blocks": [{"label": "human", "value": "Ada"}],
    "include_base_tools": True,
    "tools": ["archival_memory_insert"],
}
_INSERT = '{"label": "human", "new_string": "again"}'
_GATED = {"tool_rules": [{"type": "requires_approval", "tool_name": "pay"}]}
_PAUSES = frozenset({StopReason.END_TURN, StopReason.REQUIRES_APPROVAL})

TOOLS: Final = {
    "tools in sequence": Scenario(model=_TWICE, has_callbacks=True, log_length=6),
    "tools of one answer, one after another": Scenario(model=_in_order(_calling("pay", "pay"), _DONE), log_length=4),
    "tools of one answer, at the same time": Scenario(
        model=_in_order(_calling("pay", "pay", "pay"), _DONE), tool={"enable_parallel_execution": True}, log_length=4
    ),
    "tool that must never be repeated": Scenario(model=_TWICE, tool=NEVER_REPEATED, log_length=6),
    "two of one answer that must never be repeated": Scenario(
        model=_in_order(_calling("pay", "pay"), _DONE), tool=NEVER_REPEATED, log_length=4
    ),
    "edit of memory beside a tool": Scenario(
        model=_in_order(
            Reply(tool_calls=(Call("pay"), Call("memory_insert", _INSERT))),
            _calling("memory_insert", arguments=_INSERT),
            _DONE,
        ),
        agent=_MEMORY,
        log_length=6,
        check=_remembered_once,
    ),
    "passage for the archive": Scenario(
        model=_in_order(_calling("archival_memory_insert", arguments='{"content": "Ada was here"}'), _DONE),
        agent=_MEMORY,
        log_length=4,
        check=_kept_once,
    ),
    "approval and resume": Scenario(
        model=_in_order(_calling("pay", "look"), _DONE),
        has_callbacks=True,
        agent=_GATED,
        reply=_approved,
        stop_reasons=_PAUSES,
    ),
    "approval of a tool that must never be repeated": Scenario(
        model=_in_order(_calling("pay"), _DONE),
        tool=NEVER_REPEATED,
        agent=_GATED,
        reply=_approved,
        stop_reasons=_PAUSES,
    ),
    "client's tool": Scenario(
        model=_in_order(_calling("measure", "pay"), _DONE),
        requests=({"client_tools": [{"name": "measure"}]},),
        reply=_executed,
        stop_reasons=_PAUSES,
    ),
}
