"""What a model call costs, as far as anybody can know."""

from nightshift.domain.errors import NotFoundError
from nightshift.domain.message import Usage
from nightshift.domain.prices import price_table
from nightshift.execution.model_source import ModelSource


def price_of_call(source: ModelSource, handle: str, usage: Usage) -> int | None:
    """Return nano-dollars; None for a model that has no list price, or that is served at an address of one's own."""
    try:
        is_own = source.has_own_address(handle.partition("/")[0])
    except NotFoundError:
        return None
    return None if is_own else price_table().nano_dollars(handle, usage)
