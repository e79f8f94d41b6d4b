"""JSON schemas of what goes over the wire: bodies and queries from the wire models, answers from the SDK's types."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter

from operations import Operation
from sdk_types import find_sdk_type

type Json = dict[str, Any]

PREFIX: Final = "#/components/schemas/"
"""What a reference begins with."""

ANY: Final[Json] = {}
"""The schema that every value fits."""


@dataclass(frozen=True, slots=True)
class Schemas:
    """The schemas of all operations.

    Attributes:
        components: name to schema, for what the others refer to.
        models: schema by wire model.
        answers: schema by what an operation declares to return.
    """

    components: Mapping[str, Json]
    models: Mapping[type[BaseModel], Json]
    answers: Mapping[str, Json]

    @classmethod
    def of(cls, operations: Iterable[Operation]) -> "Schemas":
        """Return the schemas that the operations need, with one component for what several use."""
        operations = list(operations)
        found = {model for each in operations for model in (each.body, each.query) if model is not None}
        models = sorted(found, key=lambda model: (model.__name__, model.__module__))
        names = sorted({name for each in operations for name in _sdk_types(each.returns)})
        adapters: list[TypeAdapter[Any]] = [TypeAdapter(model) for model in models]
        adapters += [TypeAdapter(find_sdk_type(name)) for name in names]
        schemas, definitions = TypeAdapter.json_schemas(
            [(number, "validation", adapter) for number, adapter in enumerate(adapters)],
            ref_template=PREFIX + "{model}",
        )
        in_order = [schemas[number, "validation"] for number in range(len(adapters))]
        answers = dict(zip(names, in_order[len(models) :], strict=True))
        lists = {f"{name}[]": {"type": "array", "items": schema} for name, schema in answers.items()}
        plain: dict[str, Json] = {"": ANY, "null": {"type": "null"}, "string": {"type": "string"}}
        by_model = dict(zip(models, in_order, strict=False))
        return cls(definitions.get("$defs", {}), by_model, {**answers, **lists, **plain})

    def answer_by_media_type(self, returns: str) -> dict[str, Json]:
        """Return the schema of an answer for each media type that it may have."""
        choices = returns.split("|")
        found: dict[str, Json] = {choice: ANY for choice in choices if "/" in choice}
        values = [self.answers[choice] for choice in choices if "/" not in choice]
        if values:
            found["application/json"] = values[0] if len(values) == 1 else {"anyOf": values}
        return found

    def resolve(self, schema: Json) -> Json:
        """Return what a schema refers to, or itself."""
        while "$ref" in schema:
            schema = self.components[schema["$ref"].rpartition("/")[2]]
        return schema


def _sdk_types(returns: str) -> list[str]:
    """Return the names of SDK types among what an operation declares to return; they begin with a capital letter."""
    names = [choice.removesuffix("[]") for choice in returns.split("|")]
    return [name for name in names if name.rpartition(".")[2][:1].isupper()]
