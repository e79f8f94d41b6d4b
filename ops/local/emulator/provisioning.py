"""Add to what MiniStack does when CloudFormation creates or updates a resource of one type."""

import functools
from collections.abc import Callable
from typing import Any

from ministack.services.cloudformation import provisioners

from emulator.expectations import ExpectationError, expect_parameters

type Properties = dict[str, Any]


def correct_properties(resource_type: str, correct: Callable[[Properties], Properties]) -> None:
    """Let every create and update of the type see corrected properties."""
    handler = _handler_of(resource_type)
    create, update = handler["create"], handler["update"]

    @functools.wraps(create)
    def create_corrected(logical_id: str, props: Properties, stack_name: str) -> Any:
        return create(logical_id, correct(props), stack_name)

    @functools.wraps(update)
    def update_corrected(physical_id: str, old: Properties, new: Properties, stack_name: str, *logical_id: str) -> Any:
        return update(physical_id, correct(old), correct(new), stack_name, *logical_id)

    _replace(resource_type, create_corrected, update_corrected)


def after_provisioning(resource_type: str, finish: Callable[[str, Properties], None]) -> None:
    """Call ``finish(physical_id, properties)`` after every create and update of the type."""
    handler = _handler_of(resource_type)
    create, update = handler["create"], handler["update"]

    @functools.wraps(create)
    def create_and_finish(logical_id: str, props: Properties, stack_name: str) -> Any:
        physical_id, attributes = create(logical_id, props, stack_name)
        finish(physical_id, props)
        return physical_id, attributes

    @functools.wraps(update)
    def update_and_finish(physical_id: str, old: Properties, new: Properties, stack_name: str, *logical_id: str) -> Any:
        new_physical_id, attributes = update(physical_id, old, new, stack_name, *logical_id)
        finish(new_physical_id, new)
        return new_physical_id, attributes

    _replace(resource_type, create_and_finish, update_and_finish)


def _handler_of(resource_type: str) -> dict[str, Any]:
    handler: dict[str, Any] = provisioners._RESOURCE_HANDLERS.get(resource_type, {})
    if not {"create", "update"} <= handler.keys():
        raise ExpectationError(f"MiniStack has no create and update handler for {resource_type}")
    expect_parameters(handler["create"], "logical_id", "props", "stack_name")
    return handler


def _replace(resource_type: str, create: Callable[..., Any], update: Callable[..., Any]) -> None:
    handlers = provisioners._RESOURCE_HANDLERS
    handlers[resource_type] = {**handlers[resource_type], "create": create, "update": update}
