"""Requests to an object store that speaks S3, by botocore: retried, and failing in plain words.

Keys, passwords and endpoint come from where AWS's own tools find them (`AWS_PROFILE`,
`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, ...). No message repeats any of them.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from esrd_pipeline.settings import Bucket
from esrd_pipeline.stores.store import StoreError, name_key

T = TypeVar("T")
NOT_MODIFIED = "304"
_REFUSALS = frozenset(
    {
        NOT_MODIFIED,
        "404",
        "NoSuchKey",
        "NoSuchUpload",
        "412",
        "PreconditionFailed",
        "ConditionalRequestConflict",
    }
)
"""Codes of answers that say how things are in the bucket; all others are failures."""


class RefusedError(Exception):
    """The object is not there, or not as a request takes it to be."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class TornError(Exception):
    """An object has arrived with other bytes than it was stored with."""


@dataclass(frozen=True, slots=True)
class Access:
    """How requests are made.

    Attributes:
        attempts: times that a request is sent before it has failed.
        connect_seconds: until a connection must stand.
        read_seconds: that an answer, or its next bytes, may take.
        at_once: largest number of bytes that is sent in one request.
        part: bytes of one part of a larger file.
    """

    attempts: int = 5
    connect_seconds: float = 10
    read_seconds: float = 60
    at_once: int = 1 << 30
    part: int = 1 << 27


DEFAULT_ACCESS = Access()
"""A store may answer late, and fail some of the times it is asked."""


@dataclass(frozen=True, slots=True)
class Client:
    """Makes requests about the keys of a bucket."""

    bucket: Bucket
    access: Access

    def name(self, key: str) -> str:
        """Return an object's name in the bucket."""
        return f"{self.bucket.prefix}/{key}".lstrip("/")

    def call(self, operation: str, key: str, **parameters: object) -> Any:  # noqa: ANN401
        """Make a request about an object and return the answer; it is retried.

        Raises:
            RefusedError: the object is not there, or not as the request takes it to be.
            StoreError: the store does not answer, or refuses the request for another reason.
        """
        return self.ask(operation, key, Key=self.name(key), **parameters)

    def ask(self, operation: str, about: str, **parameters: object) -> Any:  # noqa: ANN401
        """Make any request of the bucket and return the answer; see `call`."""
        client = open_client(self.access, *map(os.environ.get, _ENDPOINTS))
        try:
            return getattr(client, operation)(Bucket=self.bucket.name, **parameters)
        except client.exceptions.ClientError as error:
            code = str(error.response.get("Error", {}).get("Code"))
            if code in _REFUSALS:
                raise RefusedError(code) from None
            raise self.fail(about, code) from None
        except _failures() as error:
            # Messages name the endpoint, whose address may hold a password.
            raise self.fail(about, type(error).__name__) from None

    def get(self, key: str, receive: Callable[[Any], T], **parameters: object) -> T:
        """Get an object and return what `receive` makes of the answer; see `call`.

        A body that does not arrive whole is asked for again.

        Raises:
            RefusedError: the object is not there, or not as the request takes it to be.
            StoreError: it has not arrived whole in any attempt.
        """
        reason = ""
        for attempt in range(self.access.attempts):
            time.sleep((2**attempt - 1) / 10)
            answer = self.call("get_object", key, **parameters)
            try:
                return receive(answer)
            except (_failures(), TornError) as error:
                reason = type(error).__name__
            finally:
                answer["Body"].close()
        raise self.fail(key, reason)

    def fail(self, key: str, reason: str) -> StoreError:
        """Return the error of a request that has failed."""
        return StoreError(
            f"{name_key(key) or 'all tables'}: {self.bucket.address} could not be used, in up to"
            f" {self.access.attempts} attempts: {reason}. What is stored there is whole"
        )


def _failures() -> type[Exception]:
    """Return what botocore raises where there is no answer, or a body that is cut."""
    from botocore.exceptions import BotoCoreError

    return BotoCoreError


_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")


@lru_cache(maxsize=4)
def open_client(access: Access, *_endpoints: str | None) -> Any:  # noqa: ANN401
    """Open a client for this process; it reads the endpoints' variables itself.

    Raises:
        StoreError: botocore is not installed, or cannot find its settings.
    """
    try:
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
        from botocore.session import get_session
    except ImportError:
        raise StoreError(
            "the tables are in an object store: install it with `pip install 'esrd_pipeline[s3]'`"
        ) from None
    config = Config(
        connect_timeout=access.connect_seconds,
        read_timeout=access.read_seconds,
        retries={"mode": "standard", "total_max_attempts": access.attempts},
    )
    try:
        return get_session().create_client("s3", config=config)
    except (BotoCoreError, ValueError) as error:
        raise StoreError(
            f"settings of the object store cannot be used: {type(error).__name__}"
        ) from None


# A forked process would send its requests on its parent's connections, and take its answers.
os.register_at_fork(after_in_child=open_client.cache_clear)
