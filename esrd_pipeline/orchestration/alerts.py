"""Alerts by Slack, Teams and mail beside the plain webhook: those whose variables are set.

Slack and Teams go through Dagster's integrations, the packages dagster-slack and dagster-msteams,
which are imported only where they are asked for. Mail is sent from here and not by Dagster's sensor
of failed runs, which a daemon must run.
"""

import os
import smtplib
import ssl
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from importlib import import_module

SLACK_TOKEN = "ESRD_SLACK_TOKEN"  # noqa: S105 - the name of a variable
SLACK_CHANNEL = "ESRD_SLACK_CHANNEL"
TEAMS_URL = "ESRD_TEAMS_URL"
MAIL_FROM = "ESRD_MAIL_FROM"
MAIL_TO = "ESRD_MAIL_TO"
MAIL_HOST = "ESRD_MAIL_HOST"
MAIL_PORT = "ESRD_MAIL_PORT"
MAIL_USER = "ESRD_MAIL_USER"
MAIL_PASSWORD = "ESRD_MAIL_PASSWORD"  # noqa: S105 - the name of a variable
MAIL_TLS_PORT = 465
MOST_SUBJECT = 120
TIMEOUT_SECONDS = 10


def send_alerts(text: str) -> Iterator[str]:
    """Send a message everywhere that is set; yield a sentence for each that did not take it."""
    ways: tuple[tuple[str, str, Callable[[str], None]], ...] = (
        ("Slack", SLACK_TOKEN, _send_to_slack),
        ("Teams", TEAMS_URL, _send_to_teams),
        ("the mail server", MAIL_HOST, _send_mail),
    )
    for name, variable, send in ways:
        if not os.environ.get(variable):
            continue
        try:
            send(text)
        except ImportError as missing:
            yield f"{name} was not notified, because {missing.name} is not installed"
        except Exception as error:  # noqa: BLE001 - whatever a service answers; the run's end stays
            # The words of the error may hold the address, which whoever has it can write to.
            yield f"{name} did not take the last line: {type(error).__name__}"


def _send_to_slack(text: str) -> None:
    slack = import_module("dagster_slack")
    client = slack.SlackResource(token=os.environ[SLACK_TOKEN]).get_client()
    client.chat_postMessage(channel=os.environ.get(SLACK_CHANNEL, "#esrd"), text=text)


def _send_to_teams(text: str) -> None:
    teams = import_module("dagster_msteams")
    card = teams.Card()
    card.add_attachment(text_message=text)
    teams.MSTeamsResource(hook_url=os.environ[TEAMS_URL]).get_client().post_message(card.payload)


def _send_mail(text: str) -> None:
    """Send a mail by TLS; the first words after the run's number are its subject."""
    message = EmailMessage()
    message["Subject"] = f"ESRD: {text[:MOST_SUBJECT]}"
    message["From"] = os.environ[MAIL_FROM]
    message["To"] = os.environ[MAIL_TO]
    message.set_content(text)
    host, port = os.environ[MAIL_HOST], int(os.environ.get(MAIL_PORT, MAIL_TLS_PORT))
    context = ssl.create_default_context()
    if port == MAIL_TLS_PORT:
        server = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_SECONDS, context=context)
    else:
        server = smtplib.SMTP(host, port, timeout=TIMEOUT_SECONDS)
    with server:
        if user := os.environ.get(MAIL_USER):
            if port != MAIL_TLS_PORT:
                server.starttls(context=context)
            server.login(user, os.environ[MAIL_PASSWORD])
        server.send_message(message)
