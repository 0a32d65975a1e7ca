"""A Spark cluster of this machine, made of the processes that a cluster's operator starts."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyspark

HOME = Path(pyspark.__file__).parent
PATIENCE_SECONDS = 120
DEFAULTS = """\
spark.driver.extraJavaOptions -XX:TieredStopAtLevel=1 -XX:+UseSerialGC
spark.driver.memory 1g
spark.executor.extraJavaOptions -XX:TieredStopAtLevel=1 -XX:+UseSerialGC
spark.executor.memory 1g
spark.local.dir {folder}/spill
spark.sql.codegen.factoryMode NO_CODEGEN
spark.sql.codegen.wholeStage false
spark.sql.shuffle.partitions 4
spark.ui.enabled false
spark.ui.showConsoleProgress false
"""
"""spark-defaults.conf for few rows, whose plans take longer to compile than to interpret."""


@dataclass(frozen=True)
class Cluster:
    """The addresses of a standalone master and of a Spark Connect server, and the worker."""

    environment: Mapping[str, str]
    worker: int

    def list_executors(self) -> list[int]:
        """Return the processes of the executors that the worker has started."""
        found = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                after_name = path.read_text().rpartition(")")[2].split()
                if int(after_name[1]) == self.worker:
                    found.append(int(path.parent.name))
        return found


def write_defaults(folder: Path) -> Path:
    """Write the settings of Spark into a folder for SPARK_CONF_DIR, and return it."""
    made = folder / "conf"
    made.mkdir()
    (made / "spark-defaults.conf").write_text(DEFAULTS.format(folder=folder), encoding="utf-8")
    return made


def find_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextlib.contextmanager
def start(folder: Path, *arguments: str) -> Generator[subprocess.Popen[bytes]]:
    """Run a class of Spark until the end of the block."""
    environment = make_environment(folder)
    log = (folder / f"{arguments[0].rpartition('.')[2]}.log").open("wb")
    command = [str(HOME / "bin" / "spark-class"), *arguments]
    process = subprocess.Popen(
        command, env=environment, stdout=log, stderr=log, start_new_session=True, cwd=folder
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        log.close()


def make_environment(folder: Path) -> dict[str, str]:
    """Return the environment of Spark's processes and of those that use it."""
    return {
        **os.environ,
        "SPARK_CONF_DIR": str(folder / "conf"),
        "SPARK_HOME": str(HOME),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_WORKER_DIR": str(folder / "work"),
    }


def wait_for(port: int) -> None:
    """Wait until a port of this machine answers."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert time.monotonic() < until, f"nobody listens on port {port}"
        time.sleep(0.1)


@contextlib.contextmanager
def run_standalone(folder: Path) -> Generator[Cluster]:
    """Run a standalone master and one worker."""
    write_defaults(folder)
    port = find_port()
    deploy = "org.apache.spark.deploy"
    places = ("--host", "127.0.0.1", "--webui-port", "0")
    address = f"spark://127.0.0.1:{port}"
    with start(folder, f"{deploy}.master.Master", *places, "--port", str(port)):
        wait_for(port)
        size = ("--cores", "2", "--memory", "1g")
        with start(folder, f"{deploy}.worker.Worker", *places, *size, address) as worker:
            yield Cluster({**make_environment(folder), "ESRD_SPARK_MASTER": address}, worker.pid)


@contextlib.contextmanager
def run_connect(folder: Path) -> Generator[Mapping[str, str]]:
    """Run a server of Spark Connect; yield the environment of its clients."""
    write_defaults(folder)
    port = find_port()
    server = "org.apache.spark.sql.connect.service.SparkConnectServer"
    options = ("--conf", f"spark.connect.grpc.binding.port={port}", "--master", "local[2]")
    submit = ("org.apache.spark.deploy.SparkSubmit", *options, "--class", server)
    with start(folder, *submit, "spark-internal"):
        wait_for(port)
        # Nothing of Java is at hand on a client's machine.
        environment = {**make_environment(folder), "ESRD_SPARK_MASTER": f"sc://127.0.0.1:{port}"}
        yield {**environment, "JAVA_HOME": str(folder)}
