"""The rule sets that the commands are asked for, checked before anything runs."""

from collections.abc import Sequence

import click


def check_rule_set(year: int, rule_set: str) -> None:
    """Refuse, before anything runs, a rule set that the year is not scored by."""
    from esrd_pipeline.parameters.payment_years import find_payment_year
    from esrd_pipeline.program.qip_rule_sets import DEFAULT
    from esrd_pipeline.program.qip_rules import load_rules

    if rule_set == DEFAULT:
        return
    try:
        load_rules(find_payment_year(year), rule_set)
    except LookupError as unknown:
        raise click.ClickException(str(unknown)) from unknown


def choose_rule_sets(years: Sequence[int], rule_set: str) -> dict[int, str]:
    """Return each year's rule set: the one that is named, or its own where it has none so named.

    A set that no year has is refused before anything runs.
    """
    from esrd_pipeline.parameters.payment_years import find_payment_year
    from esrd_pipeline.program.qip_rule_sets import DEFAULT, list_rule_sets

    if rule_set == DEFAULT:
        return dict.fromkeys(years, DEFAULT)
    has = [year for year in years if rule_set in list_rule_sets(find_payment_year(year))]
    if not has:
        span = f"no year from {years[0]} to {years[-1]}"
        raise click.ClickException(f"{span} has a rule set {rule_set}")
    chosen = {year: rule_set if year in has else DEFAULT for year in years}
    for year, rules in chosen.items():
        click.echo(
            f"{year} is scored by rule set {rules} of payment year {find_payment_year(year)}"
        )
    return chosen
