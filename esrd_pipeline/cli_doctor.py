"""The command that tells whether this machine and installation can run the project."""

import sys

import click

from esrd_pipeline.settings import load_settings


@click.command()
def doctor() -> None:
    """Ask whether Python, memory, folders, permissions and so on are as they must be.

    The exit code is that of the first answer that is not well: python 10, memory 12, folders 13,
    permissions 14, instance 15, disk 16, store 17; 0 where all is well.
    """
    from esrd_pipeline.doctor import QUESTIONS

    settings, codes = load_settings(), []
    for name, (code, ask) in QUESTIONS.items():
        answer = ask(settings)
        click.echo(f"{'well ' if answer.is_well else 'FAULT'}  {name}: {answer.text}")
        if not answer.is_well:
            codes.append(code)
    sys.exit(codes[0] if codes else 0)
