"""Ids have the shape of the Letta API, and two kinds carry a number."""

import re
import uuid
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightshift.domain import ids

PREFIXES: tuple[ids.Prefix, ...] = get_args(ids.Prefix.__value__)
UUID = "0d9a0c2e-30cf-4c7e-9a07-5b6c4d1f2a3b"

sequences = st.integers(0, 2**48 - 1)
step_numbers = st.integers(1, 2**24 - 1)
uuids = st.uuids(version=4)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_new_id_is_prefix_and_uuid4(prefix: ids.Prefix) -> None:
    made = ids.new_id(prefix)
    assert re.fullmatch(ids.id_pattern(prefix), made)
    assert ids.is_well_formed(prefix, made)
    assert uuid.UUID(made.removeprefix(f"{prefix}-")).version == 4


def test_new_ids_differ() -> None:
    assert len({ids.new_id("agent") for _ in range(1_000)}) == 1_000
    assert len({ids.new_run_id() for _ in range(1_000)}) == 1_000
    assert len({ids.message_id(7) for _ in range(1_000)}) == 1_000
    assert len({ids.new_otid() for _ in range(1_000)}) == 1_000


@given(st.sampled_from(PREFIXES), uuids)
def test_every_uuid4_in_lower_case_is_well_formed(prefix: ids.Prefix, value: uuid.UUID) -> None:
    assert ids.is_well_formed(prefix, f"{prefix}-{value}")
    for other in set(PREFIXES) - {prefix}:
        assert not ids.is_well_formed(other, f"{prefix}-{value}")


@pytest.mark.parametrize(
    "malformed",
    [
        "",
        "agent",
        "agent-",
        "agent-1",
        UUID,
        f"run-{UUID}",
        f"agent-{UUID.upper()}",
        f"AGENT-{UUID}",
        f"agent-{UUID}\n",
        f" agent-{UUID}",
        f"agent-{UUID}0",
        f"agent-{UUID[:-1]}",
        f"agent-agent-{UUID}",
        f"agent-{UUID.replace('-', '')}",
        f"agent-{UUID[:14]}1{UUID[15:]}",
        f"agent-{UUID[:19]}c{UUID[20:]}",
        f"agent-{{{UUID}}}",
        f"agent-{UUID[:-1]}g",
        f"agent-{UUID[:-1]}\u0663",
        "agent-\ud800",
    ],
)
def test_anything_else_is_malformed(malformed: str) -> None:
    assert not ids.is_well_formed("agent", malformed)


@given(st.text(alphabet="agent-0123456789abcdef\n", max_size=60))
def test_pattern_and_check_agree(candidate: str) -> None:
    matches = re.search(ids.id_pattern("agent").replace("$", r"\Z"), candidate) is not None
    assert ids.is_well_formed("agent", candidate) is matches


@given(sequences)
def test_message_id_holds_its_sequence(sequence: int) -> None:
    made = ids.message_id(sequence)
    assert ids.is_well_formed("message", made)
    assert ids.sequence_of_message(made) == sequence


@given(sequences, sequences)
def test_message_ids_sort_like_their_sequences(first: int, second: int) -> None:
    if first < second:
        assert ids.message_id(first) < ids.message_id(second)


@pytest.mark.parametrize("sequence", [-1, 2**48])
def test_sequence_out_of_range_is_refused(sequence: int) -> None:
    with pytest.raises(ValueError, match="a sequence is 0 to"):
        ids.message_id(sequence)


@given(step_numbers)
def test_step_id_holds_its_run_and_number(number: int) -> None:
    run_id = ids.new_run_id()
    made = ids.step_id(run_id, number)
    assert ids.is_well_formed("run", run_id)
    assert ids.is_well_formed("step", made)
    assert ids.run_and_number_of_step(made) == (run_id, number)


@given(step_numbers, step_numbers)
def test_steps_of_one_run_have_different_ids(first: int, second: int) -> None:
    run_id = ids.new_run_id()
    assert (ids.step_id(run_id, first) == ids.step_id(run_id, second)) is (first == second)


@pytest.mark.parametrize("number", [-1, 0, 2**24])
def test_step_number_out_of_range_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="a step number is 1 to"):
        ids.step_id(ids.new_run_id(), number)


@given(uuids)
def test_any_well_formed_step_id_names_a_run(value: uuid.UUID) -> None:
    run_id, number = ids.run_and_number_of_step(f"step-{value}")
    assert ids.is_well_formed("run", run_id)
    assert number >= 0


@given(sequences)
def test_displayed_otids_are_the_messages_own_and_count_in_their_last_digits(sequence: int) -> None:
    message = ids.message_id(sequence)
    otids = [ids.displayed_otid(message, index) for index in range(128)]
    assert len(set(otids)) == 128
    assert {otid[:34] for otid in otids} == {message.removeprefix("message-")[:34]}
    assert [int(otid[-2:], 16) & 0x7F for otid in otids] == list(range(128))
    assert all(uuid.UUID(otid).version == 4 for otid in otids)


def test_displayed_otid_is_as_the_specification_shows() -> None:
    message = "message-00000004-0a1b-4c2d-8e3f-5a6b7c8d9e00"
    assert [ids.displayed_otid(message, index) for index in range(3)] == [
        "00000004-0a1b-4c2d-8e3f-5a6b7c8d9e00",
        "00000004-0a1b-4c2d-8e3f-5a6b7c8d9e01",
        "00000004-0a1b-4c2d-8e3f-5a6b7c8d9e02",
    ]
