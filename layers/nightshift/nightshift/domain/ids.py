"""The only source of ids. Every id is `<prefix>-<uuid4>` in lower case, as the Letta API demands.

Three kinds carry a number inside their uuid, so that looking one up needs no index of its own:

* a message id holds the message's sequence in its first 48 bits: a cursor leads straight to its place in the log;
* a passage id holds the moment of keeping, in microseconds since 1970, in its first 60 bits beside the version;
* a step id is its run's id with the step's number in the first 24 bits of the last group, which are zero in a run id.

What stays random (74 bits of a message id, 98 of a run id) makes a collision as unlikely as it needs to be, and a
conditional write refuses it all the same.
"""

import hashlib
import re
import secrets
import uuid
from typing import Final, Literal

type Prefix = Literal[
    "agent",
    "block",
    "call",
    "conv",
    "delivery",
    "lease",
    "mcp_server",
    "message",
    "passage",
    "payload",
    "run",
    "step",
    "tool",
]

UUID4_PATTERN: Final = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
_UUID4: Final = re.compile(UUID4_PATTERN)
_MAX_STEP_NUMBER: Final = 0xFFFFFF
_MAX_SEQUENCE: Final = 0xFFFFFFFFFFFF


def id_pattern(prefix: Prefix) -> str:
    """Return the anchored regular expression that a well-formed id with this prefix matches."""
    return f"^{prefix}-{UUID4_PATTERN}$"


def is_well_formed(prefix: Prefix, candidate: str) -> bool:
    """Tell whether `candidate` is `<prefix>-<uuid4>`; says nothing about whether it exists."""
    return candidate.startswith(f"{prefix}-") and _UUID4.fullmatch(candidate[len(prefix) + 1 :]) is not None


def new_id(prefix: Prefix) -> str:
    """Make a random id for anything but runs, steps and messages."""
    return f"{prefix}-{uuid.uuid4()}"


def derived_id(prefix: Prefix, *parts: str) -> str:
    """Return the id that belongs to these words: the same one at every call, and a valid uuid4 in form."""
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()
    return f"{prefix}-{uuid.UUID(bytes=digest[:16], version=4)}"


def new_otid() -> str:
    """Make the offline threading id that a user message gets when its client sent none."""
    return str(uuid.uuid4())


def new_run_id() -> str:
    """Make a run id: random, with zero where its steps carry their number."""
    text = str(uuid.uuid4())
    return f"run-{text[:24]}000000{text[30:]}"


def step_id(run_id: str, number: int) -> str:
    """Return the id of the run's step with this 1-based number."""
    if not 1 <= number <= _MAX_STEP_NUMBER:
        raise ValueError(f"a step number is 1 to {_MAX_STEP_NUMBER}, found {number}")
    return f"step-{run_id[4:28]}{number:06x}{run_id[34:]}"


def run_and_number_of_step(step: str) -> tuple[str, int]:
    """Return the run id and the 1-based number that a well-formed step id holds."""
    return f"run-{step[5:29]}000000{step[35:]}", int(step[29:35], 16)


def message_id(sequence: int) -> str:
    """Make an id for the message at this sequence of its conversation."""
    if not 0 <= sequence <= _MAX_SEQUENCE:
        raise ValueError(f"a sequence is 0 to {_MAX_SEQUENCE}, found {sequence}")
    return f"message-{_uuid_beginning_with(f'{sequence:012x}')}"


def sequence_of_message(message: str) -> int:
    """Return the sequence that a well-formed message id holds."""
    return int(message[8:16] + message[17:21], 16)


def passage_id(moment_us: int) -> str:
    """Make an id for the passage that is kept at this moment, in microseconds since 1970."""
    return f"passage-{_uuid_beginning_with(f'{moment_us:015x}')}"


def moment_of_passage(passage: str) -> int:
    """Return the moment that a well-formed passage id holds, in microseconds since 1970."""
    return int(passage[8:16] + passage[17:21] + passage[23:26], 16)


def _uuid_beginning_with(digits: str) -> str:
    """Return a uuid4, random but for these first hexadecimal digits, 15 at most, between which its version stands."""
    text = digits + secrets.token_hex(16)
    return f"{text[:8]}-{text[8:12]}-4{text[12:15]}-{secrets.choice('89ab')}{text[15:18]}-{text[18:30]}"


def displayed_otid(message: str, index: int) -> str:
    """Return the otid of the index-th part shown of a stored message: its uuid with the low 7 bits replaced."""
    value = uuid.UUID(message.removeprefix("message-")).int
    return str(uuid.UUID(int=(value & ~0x7F) | (index & 0x7F)))
