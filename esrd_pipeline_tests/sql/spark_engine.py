"""One Spark session for all tests of a process, and a SQL file's rows in it."""

import os
import shutil
from contextlib import ExitStack
from functools import cache

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from esrd_pipeline.sql import PARAMETER_SCHEMA, load_select
from esrd_pipeline.sql.spark import SESSION_SETTINGS, SPARK_TYPES, name_view, to_spark
from esrd_pipeline.tables.catalog import TABLES_BY_NAME
from esrd_pipeline_tests.sql.engine import Ran

HAS_JAVA = "JAVA_HOME" in os.environ or shutil.which("java") is not None
NO_JAVA = "Spark needs Java 17 or later: JAVA_HOME is not set and no java is on the path"
_SMALL = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "2g",
    # The tables are small: compiling each query takes longer than running it.
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
}
_KINDS = {
    "text": ("string",),
    "integer": ("tinyint", "smallint", "int", "bigint"),
    "number": ("tinyint", "smallint", "int", "bigint", "decimal", "float", "double"),
    "boolean": ("boolean",),
    "date": ("date",),
    "texts": ("array<string>",),
    "labels": ("map<string,string>",),
}
"""What Spark may give for a column of a type before it is stored as that type."""


@cache
def open_session() -> SparkSession:
    """Return the process's session, on one core."""
    builder = SparkSession.builder.master("local[1]")
    for name, value in {**SESSION_SETTINGS, **_SMALL}.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    # An error is the test's to report.
    session.sparkContext.setLogLevel("OFF")
    return session


def run(ran: Ran) -> pa.Table:
    """Return the rows of a SQL file on Spark, from what DuckDB read, in the order of its key.

    Raises:
        TypeError: a column has a type that is not its table's.
    """
    with ExitStack() as held:
        return _run(ran, held)


def _run(ran: Ran, held: ExitStack) -> pa.Table:
    for name, rows in ran.tables.items():
        _name(name_view(name), _make_frame(name, rows), held)
    for name, rows in ran.value_sets.items():
        named = f"{PARAMETER_SCHEMA}.{name}"
        _name(name_view(named), _make_frame(named, rows), held)
    table = TABLES_BY_NAME[ran.select]
    said = to_spark(load_select(ran.select), TABLES_BY_NAME, ran.parameters)
    for name, text in said.relations.items():
        _name(name, open_session().sql(text), held)
    order = ", ".join(f"`{column}` NULLS LAST" for column in table.key)
    made = open_session().sql(f"SELECT * FROM (\n{said.text}\n) ORDER BY {order}")
    given = dict(made.dtypes)
    for column in table.columns:
        kind = given[column.name].partition("(")[0]
        if kind not in _KINDS[column.type]:
            raise TypeError(f"{ran.select}: {column.name} is {kind} on Spark, not {column.type}")
    stored = [made[column.name].cast(SPARK_TYPES[column.type]) for column in table.columns]
    return made.select(*stored).toArrow()


def _name(view: str, frame: DataFrame, held: ExitStack) -> None:
    """Name a frame until `held` ends: the plans of a hundred SELECTs would fill the memory."""
    frame.createOrReplaceTempView(view)
    held.callback(open_session().catalog.dropTempView, view)


def _make_frame(name: str, rows: pa.Table) -> DataFrame:
    session = open_session()
    return (
        session.createDataFrame(rows.combine_chunks())
        if rows.num_rows
        else session.createDataFrame([], _list_columns(name, rows))
    )


def _list_columns(name: str, rows: pa.Table) -> str:
    if name.startswith(f"{PARAMETER_SCHEMA}."):
        return ", ".join(f"`{column}` STRING" for column in rows.column_names)
    return ", ".join(
        f"`{column.name}` {SPARK_TYPES[column.type]}" for column in TABLES_BY_NAME[name].columns
    )
