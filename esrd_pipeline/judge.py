"""A process of its own in which great_expectations judges the counts of an audit.

Importing great_expectations takes six seconds of one core. Here that runs on another core while the
first tables are made; what passes between the processes are names of expectations and counts.
The process ends when its input does: with the process that started it, however that ends.
"""

import atexit
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from functools import cache
from threading import RLock
from typing import IO, Any

_TURN = RLock()
"""One question at a time: steps in several threads share the process."""


class JudgeError(RuntimeError):
    """great_expectations gave no verdict."""


def prepare() -> None:
    """Start the process, unless it runs or this one has imported great_expectations itself."""
    if "great_expectations" not in sys.modules:
        find_process()


def find_process() -> subprocess.Popen[str]:
    """Return this process's own, started on first use."""
    with _TURN:
        return _start(os.getpid())


def judge(counts: dict[str, list[str] | list[int]]) -> list[bool]:
    """Return whether each count of broken rows is 0, according to great_expectations.

    Args:
        counts: `expectation`, the names, and `broken_count`, as many numbers of rows.

    Raises:
        JudgeError: great_expectations could not evaluate them, or its process ended.
    """
    verdict = _evaluate(counts) if "great_expectations" in sys.modules else _ask(counts)
    if isinstance(verdict, str):
        raise JudgeError(f"great_expectations could not evaluate: {verdict}")
    return verdict


def _ask(counts: dict[str, list[str] | list[int]]) -> list[bool] | str:
    with _TURN:
        process = find_process()
        try:
            questions, answers = _pipes(process)
            questions.write(json.dumps(counts) + "\n")
            questions.flush()
            answer = answers.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            _start.cache_clear()
            raise JudgeError(f"the process of great_expectations ended with code {process.wait()}")
    return json.loads(answer)


@cache
def _start(_: int) -> subprocess.Popen[str]:
    """Start the process; a fork of this one, whose number is another, starts one of its own."""
    process = subprocess.Popen(  # noqa: S603 - this module, by this Python
        [sys.executable, "-W", "ignore", "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(_end, process, os.getpid())
    return process


def _end(process: subprocess.Popen[str], owner: int) -> None:
    if os.getpid() == owner:
        process.kill()
        process.wait()
        questions, answers = _pipes(process)
        with suppress(BrokenPipeError):  # a question that was never read
            questions.close()
        answers.close()


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    if process.stdin is None or process.stdout is None:
        raise JudgeError("the process of great_expectations was started without pipes")
    return process.stdin, process.stdout


def _serve(questions: IO[str], answers: IO[str]) -> None:
    """Answer each line of counts with a line of verdicts, or with what went wrong as a text."""
    _great_expectations()
    for line in questions:
        answers.write(json.dumps(_evaluate(json.loads(line))) + "\n")
        answers.flush()


def _evaluate(counts: dict[str, list[str] | list[int]]) -> list[bool] | str:
    import pandas as pd

    expect_between, whole = _great_expectations()
    profile = pd.DataFrame(counts)
    verdict = whole.get_batch(batch_parameters={"dataframe": profile}).validate(
        expect_between(column="broken_count", min_value=0, max_value=0),
        result_format="COMPLETE",
    )
    broken: set[int] = set(verdict.result.get("unexpected_index_list") or ())
    if verdict.success != (not broken):
        return str(verdict.exception_info)
    return [position not in broken for position in range(len(profile))]


@cache
def _great_expectations() -> tuple[Any, Any]:
    """Import great_expectations, without progress bars and analytics."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from great_expectations.expectations.core.expect_column_values_to_be_between import (
        ExpectColumnValuesToBeBetween,
    )

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("profiles").add_dataframe_asset("profile")
    return ExpectColumnValuesToBeBetween, asset.add_batch_definition_whole_dataframe("whole")


if __name__ == "__main__":
    # Who stops the run with Ctrl-C stops the process that started this one, and so this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What a library prints must not be taken for a verdict.
    _answers, sys.stdout = sys.stdout, sys.stderr
    _serve(sys.stdin, _answers)
