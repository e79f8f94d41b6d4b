"""The filter as the kernel reads it, for both processors."""

from itertools import chain

import pytest

import seccomp

OWN, TAKEN = 5_000, 5_100
ALLOWED, REFUSED = seccomp._ALLOW, seccomp._REFUSE
ARCHITECTURES = seccomp._ARCHITECTURES


def verdict(
    architecture: seccomp.Architecture,
    number: int,
    argument: int = 0,
    audit: int | None = None,
    taken: tuple[int, ...] = (),
) -> int:
    """Execute the filter for one call; the argument is what a 32-bit integer looks like to it."""
    data = {0: number, 4: audit or architecture.audit, 16: argument & 0xFFFFFFFF}
    code = seccomp.filter_for(architecture, seccomp.ids_after(OWN, (1, OWN, *taken)))
    place, loaded = 0, 0
    while True:
        kind, if_true, if_false, value = code[place]
        place += 1
        match kind:
            case seccomp._LOAD:
                loaded = data[value]
            case seccomp._EQUAL:
                place += if_true if loaded == value else if_false
            case seccomp._AT_LEAST:
                place += if_true if loaded >= value else if_false
            case _:
                return value


@pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=ARCHITECTURES)
def test_signal_reaches_own_processes_only(architecture: seccomp.Architecture) -> None:
    own, others = (0, OWN, TAKEN, -OWN, -TAKEN, 2**31 - 1), (1, OWN - 1, -1, -2, 1 - OWN)
    for number in (*architecture.signals, architecture.limits):
        assert {verdict(architecture, number, process) for process in own} == {ALLOWED}
        assert {verdict(architecture, number, process) for process in others} == {REFUSED}


@pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=ARCHITECTURES)
def test_older_process_of_a_higher_id_is_out_of_reach(architecture: seccomp.Architecture) -> None:
    own, others = (0, OWN, TAKEN - 1, -OWN, 1 - TAKEN), (TAKEN, TAKEN + 1, -TAKEN, -TAKEN - 1, -1, 1 - OWN, 2**31 - 1)
    for number in (*architecture.signals, architecture.limits):
        assert {verdict(architecture, number, process, taken=(9_000, TAKEN)) for process in own} == {ALLOWED}
        assert {verdict(architecture, number, process, taken=(9_000, TAKEN)) for process in others} == {REFUSED}


@pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=ARCHITECTURES)
def test_listed_calls_are_refused_and_all_others_are_not(architecture: seccomp.Architecture) -> None:
    judged = {*architecture.refused, *architecture.signals, architecture.limits}
    assert len(judged) == len(architecture.refused) + len(architecture.signals) + 1
    assert {verdict(architecture, number) for number in architecture.refused} == {REFUSED}
    assert {verdict(architecture, number) for number in range(500) if number not in judged} == {ALLOWED}


@pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=ARCHITECTURES)
def test_calls_of_another_kind_are_refused(architecture: seccomp.Architecture) -> None:
    assert verdict(architecture, 0, audit=0x40000003) == REFUSED
    assert verdict(architecture, 0x40000000) == REFUSED


def test_both_processors_refuse_the_same_calls() -> None:
    first, second = ARCHITECTURES.values()
    assert len(first.refused) == len(second.refused)
    assert len(set(chain(first.refused))) == len(first.refused)
