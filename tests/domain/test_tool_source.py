"""What is read of a tool from its source (letta_api_spec §5.5)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightshift.domain.errors import InvalidRequestError
from nightshift.tools.source import schema_from_source

ANNOTATIONS: dict[str, dict[str, Any]] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "list": {"type": "array", "items": {}},
    "list[str]": {"type": "array", "items": {"type": "string"}},
    "typing.List[int]": {"type": "array", "items": {"type": "integer"}},
    "tuple[int, ...]": {"type": "array", "items": {"type": "integer"}},
    "dict": {"type": "object"},
    "Dict[str, int]": {"type": "object", "additionalProperties": {"type": "integer"}},
    "Optional[str]": {"type": "string"},
    "str | None": {"type": "string"},
    "int | str": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
    "Union[int, int, None]": {"type": "integer"},
    "Literal['a', 'b']": {"enum": ["a", "b"], "type": "string"},
    "Annotated[int, 'positive']": {"type": "integer"},
    "Any": {},
    "None": {"type": "null"},
    "'str'": {"type": "string"},
    "'not python'": {"type": "object"},
    "SomeModel": {"type": "object"},
    "lambda: 1": {"type": "object"},
    "Literal[1e999, 0x" + "f" * 300 + ", 1]": {"enum": [1], "type": "integer"},
    "Literal[True, 0.5]": {"enum": [True, 0.5]},
    "list[()]": {"type": "array", "items": {}},
}


@pytest.mark.parametrize(("annotation", "schema"), ANNOTATIONS.items(), ids=ANNOTATIONS)
def test_annotation_becomes_a_schema(annotation: str, schema: dict[str, Any]) -> None:
    described = schema_from_source(f"def f(a: {annotation}): ...")
    assert described["parameters"]["properties"] == {"a": schema}


def test_last_function_is_the_tool_with_all_its_parameters() -> None:
    source = '''
import os

def first(): ...

async def last(agent_state: "AgentState", a, b: int, /, c: str = "x", *rest: int, d: bool, e: float = 0.5, **more):
    """Do it.

    In two paragraphs.

    Arguments:
        a: One
            thing: with a colon.
        b (int): Another.
        *rest: Ignored.

    Raises:
        ValueError: never.
    """

class After:
    def method(self): ...
'''
    assert schema_from_source(source) == {
        "name": "last",
        "description": "Do it.\n\nIn two paragraphs.",
        "parameters": {
            "type": "object",
            "properties": {
                "a": {"description": "One thing: with a colon."},
                "b": {"type": "integer", "description": "Another."},
                "c": {"type": "string"},
                "d": {"type": "boolean"},
                "e": {"type": "number"},
            },
            "required": ["a", "b", "d"],
        },
    }


def test_function_without_docstring_has_no_description() -> None:
    assert schema_from_source("def f(): ...")["description"] == ""


@pytest.mark.parametrize(
    "source", ["", "x = 1", "def f(:", "if True:\n  def f(): ...", "\0", "def f(a: int" + "(" * 300]
)
def test_source_of_no_tool_is_refused(source: str) -> None:
    with pytest.raises(InvalidRequestError):
        schema_from_source(source)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for source in (text, f"def f(a: {text}): ...", f'def f(a):\n    """{text}"""'):
        try:
            described = schema_from_source(source)
        except InvalidRequestError:
            continue
        assert described["name"]
