"""Time this tree beside another commit: the same work, in alternation, in one run.

    python -m esrd_pipeline_tests.benchmarks.against COMMIT [--facilities 200] [--runs 3]

Builds the commit in a worktree with an environment of its own. Prints for each kind of work the
median seconds of both, their processor seconds, peak memory, and the ratio of this tree to the
other. Each tree reads the raw files that it wrote itself, and starts every work from what it needs
and nothing more.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from esrd_pipeline_tests.benchmarks.nation import YEAR, Taken, take, write

HERE = Path(__file__).parents[2]
HEADER = (
    f"{'':<34}{'before s':>10}{'now s':>10}{'ratio':>8}"
    f"{'before cpu':>12}{'now cpu':>10}{'ratio':>8}{'before MB':>11}{'now MB':>8}"
)


@dataclass(frozen=True, slots=True)
class Tree:
    """A checkout with its environment, and a folder for its files.

    Attributes:
        root: the checkout.
        folder: raw files in `patient`, everything stored in `data`.
        taken: what each kind of work took, run by run.
    """

    root: Path
    folder: Path
    taken: dict[str, list[Taken]] = field(default_factory=dict)

    def run(self, *command: str, demo: bool = False) -> Taken:
        """Run a program of the tree's environment.

        Raises:
            SystemExit: the command failed.
        """
        program, *arguments = command
        patient = str(self.folder / "patient")
        places = {"ESRD_DATA_DIR": str(self.folder / "data")}
        if not demo:
            home = str(self.folder / "data" / "dagster_home")
            places |= {"ESRD_PATIENT_DIR": patient, "ESRD_PUBLISHED_DIR": patient}
            places |= {"DAGSTER_HOME": home}
        outside = {name: os.environ[name] for name in os.environ if not name.startswith("ESRD_")}
        outside.pop("DAGSTER_HOME", None)
        return take(
            [str(self.root / ".venv/bin" / program), *arguments],
            cwd=self.root,
            env=outside | places,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def forget(self, *names: str) -> None:
        """Delete folders of the tree's files."""
        for name in names:
            shutil.rmtree(self.folder / name, ignore_errors=True)


def load_definitions(tree: Tree, _: int) -> Taken:
    """Import the definitions, as every command of Dagster does."""
    return tree.run("python", "-c", "import esrd_pipeline.definitions")


def synthesize(tree: Tree, facilities: int) -> Taken:
    """Write two years of raw files."""
    tree.forget("patient")
    size = ("--facilities", str(facilities), "--folder", str(tree.folder / "patient"))
    return tree.run(
        "esrd", "synthesize", *size, "--first-year", str(YEAR - 1), "--last-year", str(YEAR)
    )


def refresh(tree: Tree, _: int) -> Taken:
    """Make a year from its raw files to scores, in one process; the year before is there."""
    tree.forget("data")
    tree.run("esrd", "refresh", "--year", str(YEAR - 1), "--star-baseline", "reset")
    return tree.run("esrd", "refresh", "--year", str(YEAR))


def make_one_asset(tree: Tree, _: int) -> Taken:
    """Make one asset of the year that is stored, as the UI does: in a process of its own."""
    definitions = ("-m", "esrd_pipeline.definitions")
    return tree.run(
        *("dagster", "asset", "materialize", *definitions),
        *("--select", "facility/shr", "--partition", str(YEAR)),
    )


def demo(tree: Tree, _: int) -> Taken:
    """Run the demo in a folder without data."""
    tree.forget("data")
    return tree.run("esrd", "demo", demo=True)


WORKS: Mapping[str, Callable[[Tree, int], Taken]] = {
    "definitions loaded": load_definitions,
    "two years of raw files written": synthesize,
    "a year from raw files to scores": refresh,
    "facility.shr alone": make_one_asset,
    "esrd demo": demo,
}


def compare(before: Tree, now: Tree, name: str) -> str:
    """Return the line of one kind of work: medians over the runs."""

    def middle(tree: Tree, what: str) -> float:
        return statistics.median(getattr(taken, what) for taken in tree.taken[name])

    pairs = {what: (middle(before, what), middle(now, what)) for what in Taken.__slots__}
    seconds, processor, peak = pairs["seconds"], pairs["processor"], pairs["peak"]
    return (
        f"{name:<34}{seconds[0]:>10.1f}{seconds[1]:>10.1f}{seconds[1] / seconds[0]:>8.2f}"
        f"{processor[0]:>12.1f}{processor[1]:>10.1f}{processor[1] / processor[0]:>8.2f}"
        f"{peak[0]:>11,.0f}{peak[1]:>8,.0f}"
    )


def run_git(*arguments: str) -> None:
    """Run git in this tree."""
    subprocess.run([str(shutil.which("git")), *arguments], cwd=HERE, check=True)


def build(commit: str, folder: Path) -> Path:
    """Check the commit out, with an environment of its own."""
    root = folder / "before"
    run_git("worktree", "add", "--quiet", "--detach", str(root), commit)
    uv = HERE / ".uv/bin/uv"
    outside = {name: os.environ[name] for name in os.environ if name != "VIRTUAL_ENV"}
    subprocess.run([str(uv), "sync", "--quiet", "--frozen"], cwd=root, env=outside, check=True)
    return root


def main() -> None:
    """Read the command line, build the commit, run every work of both trees in turn."""
    parser = argparse.ArgumentParser(description="Time this tree beside another commit.")
    parser.add_argument("commit", help="What to compare with.")
    parser.add_argument("--facilities", type=int, default=200)
    parser.add_argument("--runs", type=int, default=3, help="Medians are over so many runs.")
    parser.add_argument("--works", nargs="+", choices=sorted(WORKS), default=list(WORKS))
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        before = Tree(build(chosen.commit, folder), folder / "files_before")
        now = Tree(HERE, folder / "files_now")
        try:
            write(HEADER)
            for work in chosen.works:
                for number in range(chosen.runs):
                    # Each goes first in turn, so that neither always finds warm files.
                    for tree in (before, now) if number % 2 else (now, before):
                        tree.taken.setdefault(work, []).append(WORKS[work](tree, chosen.facilities))
                write(compare(before, now, work))
        finally:
            run_git("worktree", "remove", "--force", str(before.root))


if __name__ == "__main__":
    sys.exit(main())
