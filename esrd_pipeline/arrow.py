"""Conversion of stored tables between pandas frames and Arrow tables, typed by definition."""

from collections.abc import Mapping

import pandas as pd
import pyarrow as pa

from esrd_pipeline.parameters import load_parameters
from esrd_pipeline.tables.dictionary import describe_column
from esrd_pipeline.tables.model import Column, Table

ARROW_TYPES: Mapping[str, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "texts": pa.list_(pa.string()),
    "labels": pa.map_(pa.string(), pa.string()),
}
_NULLABLE: Mapping[pa.DataType, pd.api.extensions.ExtensionDtype] = {
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


class SchemaError(ValueError):
    """A frame does not fit its table's definition."""


def make_schema(table: Table) -> pa.Schema:
    """Return the schema of a table's files; what a column holds is metadata of its field."""
    return pa.schema(
        [
            pa.field(
                column.name,
                ARROW_TYPES[column.type],
                metadata=dict(describe_column(table, column)),
            )
            for column in table.columns
        ]
    )


def load_value_set(name: str) -> pa.Table:
    """Return a file of parameters as SELECTs read it: texts, null for an empty cell."""
    table = load_parameters(name)
    return pa.table(
        {
            str(column): pa.array(table[column], pa.string(), from_pandas=True)
            for column in table.columns
        }
    )


def to_frame(arrow: pa.Table) -> pd.DataFrame:
    """Return a stored table as a frame with nullable types."""
    return arrow.to_pandas(
        types_mapper=_NULLABLE.get, maps_as_pydicts="strict", ignore_metadata=True
    )


def to_arrow(table: Table, performance_year: int, frame: pd.DataFrame) -> pa.Table:
    """Return a frame's rows in the columns and types of the definition, in the order of its key.

    Raises:
        SchemaError: a column is missing, unknown or of another type.
    """
    missing = [name for name in table.column_names if name not in frame.columns]
    unknown = [str(name) for name in frame.columns if name not in table.column_names]
    if missing or unknown:
        raise SchemaError(
            f"{table.name} {performance_year}: missing columns {missing}, unknown columns {unknown}"
        )
    ordered = frame.sort_values(list(table.key), kind="stable", na_position="first")
    arrays = [_to_array(table, column, ordered[column.name]) for column in table.columns]
    return pa.Table.from_arrays(arrays, schema=make_schema(table))


def _to_array(table: Table, column: Column, values: pd.Series) -> pa.Array:
    target = ARROW_TYPES[column.type]
    if values.empty:
        # An empty column of a frame has no useful type.
        return pa.array([], type=target)
    if column.type == "labels":
        values = pd.Series([sorted(labels.items()) for labels in values], dtype=object)
    try:
        return pa.Array.from_pandas(values, type=target, safe=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        # Arrow's own message quotes the value, which may be patient data: leave it out.
        raise SchemaError(
            f"{table.name}: column {column.name} does not hold {column.type}"
        ) from None
