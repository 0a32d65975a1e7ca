"""A specification with a changed row of the register, for tests of a row's effects."""

from dataclasses import replace
from typing import Any, TypeVar

from esrd_pipeline.measures.specification import Specification

AnySpecification = TypeVar("AnySpecification", bound=Specification)


def change_entry(
    specification: AnySpecification,
    **changes: Any,  # noqa: ANN401 - fields of the register's entry
) -> AnySpecification:
    """Return the specification with fields of its register entry changed."""
    return replace(specification, entry=replace(specification.entry, **changes))
