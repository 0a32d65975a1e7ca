"""Alerts that are not taken say so in the log, without the address or token they went to."""

import sys
from types import ModuleType

import pytest

from esrd_pipeline.orchestration.alerts import (
    MAIL_FROM,
    MAIL_HOST,
    MAIL_PORT,
    MAIL_TO,
    SLACK_CHANNEL,
    SLACK_TOKEN,
    TEAMS_URL,
    send_alerts,
)

ADDRESS = "https://teams.example/hook/not-for-the-log"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (SLACK_TOKEN, SLACK_CHANNEL, TEAMS_URL, MAIL_HOST, MAIL_PORT, MAIL_FROM, MAIL_TO):
        monkeypatch.delenv(name, raising=False)


def test_nothing_is_sent_where_nothing_is_set() -> None:
    assert list(send_alerts("refresh 2025 failed")) == []


def test_a_mail_server_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        (MAIL_HOST, "127.0.0.1"),
        (MAIL_PORT, "9"),
        (MAIL_FROM, "esrd@example.org"),
        (MAIL_TO, "operator@example.org"),
    ):
        monkeypatch.setenv(name, value)
    assert list(send_alerts("refresh 2025 failed")) == [
        "the mail server did not take the last line: ConnectionRefusedError"
    ]


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dagster_msteams", None)
    monkeypatch.setenv(TEAMS_URL, ADDRESS)
    assert list(send_alerts("refresh 2025 failed")) == [
        "Teams was not notified, because dagster_msteams is not installed"
    ]


def test_the_address_of_a_service_is_not_in_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    package = ModuleType("dagster_msteams")

    def refuse(*_: object, **__: object) -> object:
        raise ConnectionError(f"Max retries exceeded with url: {ADDRESS}")

    for name in ("Card", "MSTeamsResource", "TeamsClient"):
        setattr(package, name, refuse)
    monkeypatch.setitem(sys.modules, "dagster_msteams", package)
    monkeypatch.setenv(TEAMS_URL, ADDRESS)
    assert list(send_alerts("refresh 2025 failed")) == [
        "Teams did not take the last line: ConnectionError"
    ]
