"""A specification with another row of the register, for tests of what a row decides."""

from dataclasses import replace
from typing import Any

from esrd_pipeline.measures.specification import Specification


def change_entry[AnySpecification: Specification](
    specification: AnySpecification,
    **changes: Any,  # noqa: ANN401 - fields of the register's entry
) -> AnySpecification:
    """Return the specification with fields of its register entry changed."""
    return replace(specification, entry=replace(specification.entry, **changes))
