"""Fixtures: an object store on this machine, and a proxy before it."""

import logging
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.session import get_session
from moto.server import ThreadedMotoServer

from esrd_pipeline.settings import Bucket
from esrd_pipeline.stores.client import Access, open_client
from esrd_pipeline.stores.objects import ObjectStore
from esrd_pipeline.warehouse import Warehouse
from esrd_pipeline_tests.stores.kept import Direct
from esrd_pipeline_tests.stores.proxy import Proxy

SECRET = "invented-for-the-tests"  # noqa: S105
HASTY = Access(attempts=3, connect_seconds=2, read_seconds=2)


@pytest.fixture(scope="session")
def port() -> Iterator[int]:
    """The port of an object store."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield server.get_host_and_port()[1]
    server.stop()


@pytest.fixture
def proxy(port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """What the environment names as the object store, with keys."""
    with Proxy(port) as opened:
        monkeypatch.setenv("AWS_ENDPOINT_URL", opened.address)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "invented-name")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield opened
        # Ends the connections, and with them the proxy's threads.
        open_client.cache_clear()


@pytest.fixture
def direct(port: int, proxy: Proxy) -> Direct:
    """A client that asks the object store itself."""
    assert proxy.port == port
    return get_session().create_client("s3", endpoint_url=f"http://127.0.0.1:{port}")


@pytest.fixture
def bucket(direct: Direct) -> Bucket:
    """A new bucket, with a prefix."""
    found = Bucket(f"esrd-{uuid.uuid4().hex}", "tables/here")
    direct.create_bucket(Bucket=found.name)
    return found


@pytest.fixture
def warehouse(bucket: Bucket, tmp_path: Path) -> Warehouse:
    """Tables in the bucket, as one machine sees them."""
    return open_machine(bucket, tmp_path / "one")


@pytest.fixture
def other(bucket: Bucket, tmp_path: Path) -> Warehouse:
    """The same tables as another machine sees them."""
    return open_machine(bucket, tmp_path / "other")


def open_machine(bucket: Bucket, root: Path, access: Access = HASTY) -> Warehouse:
    """Open the tables of a bucket on a machine with copies of its own."""
    return Warehouse(root, remote=ObjectStore(bucket, root, access))
