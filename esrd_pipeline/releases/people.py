"""Who made a candidate and who approves it, as far as this machine can know.

A person is known by the account that logged in, which the kernel keeps across `su` and `sudo`
(`/proc/self/loginuid`); where nobody logged in, as in a container or for a service, by the account
the process runs as. The name given beside it is what the person says. So two people with one
account cannot be told apart, and whoever may log in as another can approve their own candidate.
"""

import os
import pwd
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

BY_NAME_VARIABLE = "ESRD_APPROVE_BY_NAME"
"""Set to `yes` where all people work under one account: then their names alone tell them apart."""
_LOGIN = Path("/proc/self/loginuid")
_NOBODY = 0xFFFFFFFF


class ApprovalError(ValueError):
    """Somebody may not approve a candidate, or there is none."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who does something with a release: the name they give, and their account."""

    name: str
    account: str

    def __str__(self) -> str:
        """The name, with the account where it is another."""
        return self.name if self.name == self.account else f"{self.name} (account {self.account})"


def find_account() -> str:
    """Return the account that logged in, or else the one this process runs as."""
    user = os.getuid()
    if _LOGIN.is_file():
        login = int(_LOGIN.read_text(encoding="ascii").strip() or _NOBODY)
        user = user if login == _NOBODY else login
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"uid {user}"


def distinguish_by_names() -> bool:
    """Whether this installation says that its people share an account."""
    return os.environ.get(BY_NAME_VARIABLE, "").strip().lower() == "yes"


def check_second(makers: Iterable[Person], approver: Person, *, by_names: bool) -> None:
    """Raise unless the approver is somebody else than all who made the candidate.

    Raises:
        ApprovalError: no name, or the same name or account.
    """
    if not approver.name.strip():
        raise ApprovalError("an approval has a name: give --by")
    for maker in makers:
        if _fold(maker.name) == _fold(approver.name):
            raise ApprovalError(f"{approver} made the candidate: somebody else approves it")
        if not by_names and maker.account == approver.account:
            raise ApprovalError(
                f"the candidate was made under the account {maker.account}, under which it is to"
                " be approved: somebody with another account approves it. Where all share one,"
                f" {BY_NAME_VARIABLE}=yes lets names alone tell people apart"
            )


def _fold(name: str) -> str:
    return " ".join(name.casefold().split())
