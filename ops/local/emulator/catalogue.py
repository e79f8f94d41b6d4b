"""The corrections in the order they are applied. Most are independent of each other."""

from collections.abc import Callable

from emulator.corrections import (
    autosave,
    cold_starts,
    execution_names,
    function_log,
    function_packages,
    function_runtime,
    generated_secrets,
    handler_errors,
    http_api_base_url,
    http_api_body,
    http_api_errors,
    iam_actions,
    log_collection,
    mapping_numbers,
    queue_locking,
    queue_mappings,
    stream_mappings,
    stream_state,
    template_properties,
    yaml_definitions,
)

CORRECTIONS: dict[str, Callable[[], None]] = {
    "http_api_body": http_api_body.apply,
    "http_api_errors": http_api_errors.apply,
    "http_api_base_url": http_api_base_url.apply,
    "template_properties": template_properties.apply,
    "generated_secrets": generated_secrets.apply,
    "mapping_numbers": mapping_numbers.apply,
    "queue_locking": queue_locking.apply,
    "queue_mappings": queue_mappings.apply,
    "stream_mappings": stream_mappings.apply,
    "stream_state": stream_state.apply,
    "handler_errors": handler_errors.apply,
    "log_collection": log_collection.apply,
    "function_log": function_log.apply,
    "function_runtime": function_runtime.apply,
    "function_packages": function_packages.apply,
    "cold_starts": cold_starts.apply,
    "execution_names": execution_names.apply,
    "iam_actions": iam_actions.apply,
    "yaml_definitions": yaml_definitions.apply,
    "autosave": autosave.apply,
}
