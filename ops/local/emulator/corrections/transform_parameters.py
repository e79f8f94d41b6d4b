"""The SAM transform sees the values of the template's parameters.

AWS: SAM resolves parameters where it decides by them, as in AutoPublishCodeSha256 and DeploymentPreference.

Stock MiniStack: gives the transform no values, so it sees the defaults, and a parameter without one stays a ``Ref``.
"""

import functools
from collections.abc import Callable
from typing import Any

from ministack.services.cloudformation import changesets, engine, handlers

from emulator.expectations import expect_parameters, expect_source

type Template = dict[str, Any]


def apply() -> None:
    """Show SAM each value as its parameter's default, which it reads."""
    expect_source(engine._apply_transforms, "_sam_transform(copy.deepcopy(template), {}, ")
    expect_parameters(engine._apply_transforms, "template", "provided_params", "previous_params")
    expect_parameters(engine._transform_parameters, "template", "provided_params", "previous_params")
    stock_apply: Callable[..., Template] = engine._apply_transforms

    @functools.wraps(stock_apply)
    def apply_with_values(template: Template, provided_params: Any = None, previous_params: Any = None) -> Template:
        declared = template.get("Parameters")
        if not declared:
            return stock_apply(template, provided_params, previous_params)
        values = engine._transform_parameters(template, provided_params, previous_params)
        shown = {name: {**one, "Default": values[name]} if name in values else one for name, one in declared.items()}
        transformed = stock_apply({**template, "Parameters": shown}, provided_params, previous_params)
        transformed["Parameters"] = declared
        return transformed

    for importer in (changesets, engine, handlers):
        importer._apply_transforms = apply_with_values
