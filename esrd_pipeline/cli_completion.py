"""Shell completion, and the examples of every command's help."""

import click

EXAMPLES = {
    "backfill": ("esrd backfill --from 2022 --to 2025 --star-baseline reset",),
    "check": (
        "esrd check data/raw/patient/2025",
        "esrd check delivery --year 2025 --cutoff 2026-10-15",
    ),
    "completion": (
        "esrd completion bash >> ~/.bashrc",
        "esrd completion zsh >> ~/.zshrc",
        "esrd completion fish > ~/.config/fish/completions/esrd.fish",
    ),
    "demo": ("esrd demo",),
    "doctor": ("esrd doctor",),
    "emergency": (
        "esrd emergency --area FL --date 2024-09-27",
        "esrd emergency --area FL --date 2024-09-27 --ccn 102501",
    ),
    "emergency-effect": ("esrd emergency-effect --area FL --date 2024-09-26",),
    "explain": (
        "esrd explain --measure shr --ccn 012501 --year 2025",
        "esrd explain --program qip --tps --ccn 012501 --year 2025",
    ),
    "export": ("esrd export --year 2025 --name approved",),
    "fit": ("esrd fit shr --year 2025 --out shr-2025", "Rscript shr-2025/dfc/refit.R"),
    "network": (
        "esrd network template data/raw/network",
        "esrd network check data/raw/network",
    ),
    "payment-year": ("esrd payment-year 2027 --rule-set amended --write rules.md",),
    "propose-exceptions": ("esrd propose-exceptions --year 2024",),
    "readings": ("esrd readings --write readings.md",),
    "refresh": (
        "esrd refresh --year 2025",
        "esrd refresh --year 2025 --dry-run",
        "esrd refresh --year 2025 --changed",
        "esrd refresh --year 2024 --star-baseline rebaseline --cutoff 2026-04-15",
    ),
    "release": (
        'esrd release --year 2025 --quarter 2026Q4 --by "Ada Lovelace"',
        'esrd release --year 2025 --quarter 2026Q4 --approve --by "Ben Okri"',
        'esrd release --year 2025 --quarter 2026Q4 --replaces 2026Q4 --because "A late file."',
        "esrd release --verify",
        "esrd release --list",
    ),
    "site": ("esrd site --year 2025 --open", "esrd site --year 2025 --facility 012501"),
    "status": ("esrd status", "esrd status --all"),
    "synthesize": ("esrd synthesize --first-year 2022 --last-year 2024 --folder data/raw/patient",),
    "trace": ("esrd trace 2.13.11", "esrd trace shr"),
    "ui": ("esrd ui --port 3000",),
    "what-if": (
        "esrd what-if --year 2025 --ccn 012501",
        "esrd what-if --year 2025 --ccn 012501 --set shr.numerator=40",
        "esrd what-if --year 2025 --rule-set amended --out moved.csv",
    ),
}
"""By command; a command that has an epilog of its own keeps it."""
_VARIABLE = "_ESRD_COMPLETE"


def add_examples(group: click.Group) -> None:
    """Let the help of each command end with its examples."""
    for name, lines in EXAMPLES.items():
        command = group.commands.get(name)
        if command is not None and command.epilog is None:
            # The sign keeps click from joining the lines.
            command.epilog = "\b\n" + "\n".join(("Examples:", *(f"  {line}" for line in lines)))


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what makes a shell complete commands and options; put it where the shell reads it."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise click.ClickException(f"click knows no completion of {shell}")
    click.echo(kind(context.find_root().command, {}, "esrd", _VARIABLE).source())
