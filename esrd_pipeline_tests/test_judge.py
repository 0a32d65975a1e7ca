"""great_expectations judges counts, in a process of its own that ends with the one that asked."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from esrd_pipeline import judge

COUNTS: dict[str, list[str] | list[int]] = {
    "expectation": ["ccn is there", "rate >= 0", "key (ccn) is unique"],
    "broken_count": [0, 3, 0],
}
ASK = f"""
import json, sys
from esrd_pipeline import judge
print(json.dumps(judge.judge({COUNTS!r})), flush=True)
print(judge.find_process().pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def asking() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", ASK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        yield process
        process.kill()


def test_a_count_of_zero_passes_and_any_other_fails() -> None:
    assert judge.judge(COUNTS) == [True, False, True]
    assert judge.judge({"expectation": ["ccn is there"], "broken_count": [0]}) == [True]


def test_the_process_ends_with_the_one_that_asked(asking: subprocess.Popen[str]) -> None:
    assert asking.stdout is not None
    assert json.loads(asking.stdout.readline()) == [True, False, True]
    judging = int(asking.stdout.readline())
    assert Path(f"/proc/{judging}/stat").exists()

    asking.send_signal(signal.SIGKILL)
    asking.wait()

    for _ in range(200):
        if not _is_running(judging):
            return
        time.sleep(0.1)
    pytest.fail("the process of great_expectations goes on without the one that asked")


def test_a_process_that_ended_is_told_and_the_next_question_starts_another() -> None:
    judge.prepare()
    process = judge.find_process()
    process.kill()
    process.wait()

    with pytest.raises(judge.JudgeError, match="ended with code -9"):
        judge.judge(COUNTS)

    assert judge.judge(COUNTS) == [True, False, True]


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
