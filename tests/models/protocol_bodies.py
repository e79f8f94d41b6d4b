"""Where each protocol puts things: what the conformance table looks for in what the scripted model was sent."""

from collections.abc import Mapping
from typing import Any

type Json = dict[str, Any]


def objects_in(value: object) -> list[Json]:
    """Return every object in a JSON value, outer ones first."""
    if isinstance(value, Mapping):
        return [dict(value), *(found for inner in value.values() for found in objects_in(inner))]
    return [found for inner in value for found in objects_in(inner)] if isinstance(value, list) else []


def pictures_in(body: Mapping[str, Any]) -> list[str]:
    """Return the pictures in a request, as base64, in their order."""
    found = []
    for one in objects_in(body):
        match one:
            case {"type": "image", "source": {"type": "base64", "data": data}}:
                found.append(data)
            case {"image": {"source": {"bytes": data}}}:
                found.append(data)
            case {"type": "input_image", "image_url": str(url)}:
                found.append(url.partition("base64,")[2])
            case {"type": "image_url", "image_url": {"url": url}}:
                found.append(url.partition("base64,")[2])
    return found


def thoughts_in(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the reasoning in a request with its signature, in its order."""
    found = []
    for one in objects_in(body):
        match one:
            case {"type": "thinking", "thinking": text, "signature": signature}:
                found.append((text, signature))
            case {"type": "redacted_thinking", "data": data} | {"redactedContent": data}:
                found.append(("", data))
            case {"reasoningText": {"text": text, "signature": signature}}:
                found.append((text, signature))
            case {"type": "reasoning", "summary": summary, "encrypted_content": encrypted}:
                found.append(("".join(part["text"] for part in summary), encrypted))
            case {"role": "assistant", "reasoning_content": text} | {"role": "assistant", "reasoning": str(text)}:
                found.append((text, ""))
    return found


def tool_choice_in(body: Mapping[str, Any]) -> object:
    """Return the choice as it was sent, None when it was left to the model."""
    return body.get("tool_choice") or body.get("toolConfig", {}).get("toolChoice")
