"""Mangle a good nation's files a thousand times; see the package."""

import argparse
import tempfile
from collections import Counter
from pathlib import Path

import click

from esrd_pipeline_tests.manglings.draws import KINDS, Mangling, draw_manglings
from esrd_pipeline_tests.manglings.files import list_files
from esrd_pipeline_tests.manglings.trial import EXPECTATION, GOOD, READER, SAME, TAKEN_IN, Trial

SHOWN = 1000


def main() -> None:
    """Judge manglings and print a line for each kind, and one for each fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="place to begin at")
    parser.add_argument("--only", choices=sorted(KINDS), help="one kind alone")
    parser.add_argument("--world", type=Path, help="folder that keeps the nation for the next run")
    parser.add_argument("--verbose", action="store_true", help="print what is said of each")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="esrd-manglings-") as scratch:
        trial = Trial(options.world or Path(scratch))
        kinds = (options.only,) if options.only else tuple(KINDS)
        drawn = draw_manglings(list_files(trial.good), options.seed, options.count, kinds=kinds)
        outcomes: dict[str, Counter[str]] = {kind: Counter() for kind in kinds}
        for mangling in drawn[options.first :]:
            outcomes[mangling.kind].update([_judge(trial, mangling, verbose=options.verbose)])
    faults = _tell(outcomes)
    raise SystemExit(1 if faults else 0)


def _judge(trial: Trial, mangling: Mangling, *, verbose: bool) -> str:
    verdict = trial.judge(mangling.contents())
    if verbose or verdict.outcome not in GOOD:
        click.echo(f"{mangling}: {verdict.outcome}: {verdict.output[:SHOWN]}")
    return verdict.outcome


def _tell(outcomes: dict[str, Counter[str]]) -> int:
    """Print the table, and return how many manglings came to no good end."""
    heads = ("kind", "count", SAME, READER, EXPECTATION, TAKEN_IN, "faults")
    line = "{:36}" + "{:>13}" * (len(heads) - 1)
    click.echo(line.format(*heads))
    total = Counter[str]()
    for kind, counts in (*outcomes.items(), ("all", total)):
        faults = sum(count for outcome, count in counts.items() if outcome not in GOOD)
        found = (counts.total(), *(counts[outcome] for outcome in GOOD), faults)
        click.echo(line.format(kind, *found))
        if counts is not total:
            total.update(counts)
    return sum(count for outcome, count in total.items() if outcome not in GOOD)


if __name__ == "__main__":
    main()
