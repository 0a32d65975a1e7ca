"""SELECTs on Spark: in this process's machine, on a cluster, or on a server of Spark Connect.

Spark's executors write a folder of parts beside the partition, whose rows this process then sorts
into the partition's one file. So the executors must reach the warehouse's folder under the same
path. pyspark is imported when a SELECT first runs.
"""

import logging
import os
import re
import shutil
import signal
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from esrd_pipeline.arrow import SchemaError, load_value_set
from esrd_pipeline.duckdb_session import own_spill
from esrd_pipeline.engines import EngineError, Reading, Source, interrupt_with, list_casts
from esrd_pipeline.sql import PARAMETER_SCHEMA, SelectError
from esrd_pipeline.sql.spark import (
    SESSION_SETTINGS,
    SPARK_TYPES,
    SQL_TYPES,
    SparkSelect,
    name_view,
    to_spark,
)
from esrd_pipeline.tables.model import Table

if TYPE_CHECKING:
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

CONNECT = "sc://"
"""How the address of a server of Spark Connect begins."""
_LOCAL = re.compile(r"local(?:\[(\d+))?")
_LOCAL_MEMORY = "4g"
_LOCAL_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseParallelGC -Xms1g -XX:MetaspaceSize=512m"
"""For a small year: to compile every query's classes fully takes longer than to run them."""
_KEPT_CLASSES = "10000"
"""Of a query there are up to 250: with Spark's own 100 each task has its class made anew."""
_GLOB_SIGNS = re.compile(r"([\[\]{}*?\\])")
_DATA_EXCEPTION = "22"
"""Class of the SQLSTATEs of values that do not fit, as the SQL standard has it."""
_OPEN: dict[str, "SparkSession"] = {}
_TURN = threading.Lock()
"""One SELECT at a time: it finds its tables under names that are the session's."""


@dataclass(frozen=True, slots=True)
class SparkEngine:
    """Runs SELECTs on the Spark at `master`; a local one spills to the folder `spill`."""

    master: str
    spill: Path

    @contextmanager
    def make(self, reading: Reading, table: Table, path: Path) -> Generator[tuple[Path, ...]]:
        """Make a SELECT's rows in a folder of parts; see `Engine`.

        Raises:
            SchemaError: the columns or their types do not match the table's definition.
            EngineError: Spark, Java or the cluster is not there, or the job failed there.
        """
        parts = path.with_name(f"{path.name}.parts")
        try:
            self._run(reading, table, parts)
            yield tuple(sorted(parts.glob("part-*.parquet")))
        finally:
            shutil.rmtree(parts, ignore_errors=True)

    def _run(self, reading: Reading, table: Table, parts: Path) -> None:
        said = _say(reading, table)
        with _TURN:
            session = open_spark(self.master, self.spill)
            try:
                with ExitStack() as held:
                    _name_views(session, reading, held)
                    for name, one in said.relations.items():
                        _keep(session, name, one, held)
                    session.sql(said.text).write.parquet(_locate(parts))
            except _failures() as error:
                raise _explain(error, table, reading) from None


def open_spark(master: str, spill: Path) -> "SparkSession":
    """Return this process's session on the Spark at `master`, opened on first use.

    Raises:
        EngineError: pyspark or Java is missing, the master does not answer, or the process uses
            another one.
    """
    if master in _OPEN:
        return _OPEN[master]
    find_needed(master)
    if _OPEN:
        raise EngineError(f"this process uses the Spark at {', '.join(_OPEN)}, and not {master}")
    from pyspark.sql import SparkSession

    # Its lines quote the values that an error is about, which may be patient data.
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL + 1)
    builder: Any = SparkSession.builder.appName("esrd_pipeline")
    settings = {**SESSION_SETTINGS, **_list_local(master, spill)}
    if not master.startswith(CONNECT):
        settings["spark.log.level"] = "OFF"  # as above
        settings["spark.sql.codegen.cache.maxEntries"] = _KEPT_CLASSES
    for name, value in settings.items():
        builder = builder.config(name, value)
    builder = builder.remote(master) if master.startswith(CONNECT) else builder.master(master)
    handler = signal.getsignal(signal.SIGINT)
    try:
        session = builder.getOrCreate()
    except _failures() as error:
        raise EngineError(f"no Spark at ESRD_SPARK_MASTER={master}: {_name(error)}") from None
    finally:
        if threading.current_thread() is threading.main_thread():
            # pyspark has put its own in the place of the one that ends a run in order.
            signal.signal(signal.SIGINT, handler)
    interrupt_with(_interrupt_jobs)
    _OPEN[master] = session
    return session


def _interrupt_jobs() -> None:
    for session in tuple(_OPEN.values()):
        try:
            session.interruptAll()
        except _failures():
            continue


def _list_local(master: str, spill: Path) -> dict[str, str]:
    """Return the settings of Spark on one machine; where SPARK_CONF_DIR is set, its files' hold."""
    local = _LOCAL.match(master)
    if not local or os.environ.get("SPARK_CONF_DIR"):
        return {}
    return {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraJavaOptions": _LOCAL_JAVA,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": _LOCAL_MEMORY,
        "spark.local.dir": str(own_spill(spill)),
        # A small year's stages are short: to plan each anew takes longer than the plan saves.
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.shuffle.partitions": local[1] or str(os.cpu_count()),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }


def find_needed(master: str) -> str:
    """Return what Spark at `master` is used with here: versions of pyspark and the place of Java.

    Java is looked for as Spark's own scripts do.

    Raises:
        EngineError: pyspark or Java is missing.
    """
    try:
        import pyspark
    except ModuleNotFoundError as error:
        raise EngineError(
            f"ESRD_ENGINE=spark needs {error.name}: pip install 'esrd_pipeline[spark]'"
        ) from None
    used = f"PySpark {pyspark.__version__}"
    if master.startswith(CONNECT):
        return f"{used}, and none is needed here for {master}"
    home = os.environ.get("JAVA_HOME")
    found = shutil.which(str(Path(home, "bin", "java")) if home else "java")
    if found is None:
        place = f"JAVA_HOME={home} has none" if home else "there is no java on the PATH"
        raise EngineError(
            f"ESRD_ENGINE=spark needs Java 17 or 21, and {place}: install one, or let JAVA_HOME"
            " name its folder; with ESRD_SPARK_MASTER=sc://... none is needed here"
        )
    return f"{used} with {found}"


def _say(reading: Reading, table: Table) -> SparkSelect:
    """Return the SELECT in Spark's words, with the table's types."""
    casts = list_casts(table, lambda column: SQL_TYPES[column.type])
    text = f"SELECT {casts} FROM (\n{reading.select.text}\n) AS made"
    tables = {source.table.name: source.table for source in reading.sources}
    try:
        return to_spark(replace(reading.select, text=text), tables, reading.values)
    except SelectError as error:
        raise SchemaError(f"{table.name}: {error}") from error


def _name_views(session: "SparkSession", reading: Reading, held: ExitStack) -> None:
    """Give the tables that a SELECT reads the names it finds them under, until `held` ends."""
    frames = {name_view(one.table.name): _scan(session, one) for one in reading.sources}
    for name in reading.select.value_sets:
        frames[name_view(f"{PARAMETER_SCHEMA}.{name}")] = session.createDataFrame(
            load_value_set(name)
        )
    for name, frame in frames.items():
        frame.createOrReplaceTempView(name)
        held.callback(session.catalog.dropTempView, name)


def _keep(session: "SparkSession", name: str, text: str, held: ExitStack) -> None:
    """Let later texts read a relation by its name, made once, until `held` ends."""
    frame = session.sql(text).persist()
    held.callback(frame.unpersist)
    frame.createOrReplaceTempView(name)
    held.callback(session.catalog.dropTempView, name)


def _scan(session: "SparkSession", source: Source) -> Any:  # noqa: ANN401
    """Return the rows of a table's files: a frame of pyspark's, classic or of Connect."""
    columns = source.table.columns
    schema = ", ".join(f"`{column.name}` {SPARK_TYPES[column.type]}" for column in columns)
    if not source.files:
        return session.createDataFrame([], schema)
    paths = (_GLOB_SIGNS.sub(r"\\\1", _locate(file)) for file in source.files)
    return session.read.schema(schema).parquet(*paths)


def _locate(path: Path) -> str:
    """Return a file's name on Spark: a cluster's own file system may be another."""
    return f"file://{path.absolute()}"


def _failures() -> tuple[type[Exception], ...]:
    """Return the errors of pyspark and of its connection to Spark."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    return (PySparkException, Py4JError, ConnectionError)


def _explain(error: "Exception | PySparkException", table: Table, reading: Reading) -> Exception:
    """Return our own error: most messages of Spark's quote values, which may be patient data."""
    from pyspark.errors import AnalysisException, PySparkException

    place = f"{table.name}: {reading.select.path}"
    if isinstance(error, AnalysisException):
        return SchemaError(f"{place}: {error}")
    state = error.getSqlState() if isinstance(error, PySparkException) else None
    if (state or "").startswith(_DATA_EXCEPTION):
        return SchemaError(f"{place} makes values that do not fit their columns")
    return EngineError(f"{place}: the job failed on Spark: {_name(error)}")


def _name(error: Exception) -> str:
    """Return what kind of error it is, without its message."""
    from pyspark.errors import PySparkException

    condition = error.getCondition() if isinstance(error, PySparkException) else None
    return condition or type(error).__name__
