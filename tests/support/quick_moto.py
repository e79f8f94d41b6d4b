"""Lets moto do once what it does again and again with the same result: a third of the tests' processor time is moto's.

It builds an update of n clauses as n expressions, one within the other, and counts the clauses in each; the outermost
has them all. And for every call it looks up the names of all methods of a service.
"""

from functools import cache

from moto.core import responses, utils
from moto.dynamodb.parsing.validators import ActionCountValidator


def quicken() -> None:
    """Make it so for the rest of the process. Safe to repeat."""
    ActionCountValidator.traverse = ActionCountValidator.verify_action_counts
    setattr(responses, utils.method_names_from_class.__name__, _method_names_from_class)


_method_names_from_class = cache(utils.method_names_from_class)
