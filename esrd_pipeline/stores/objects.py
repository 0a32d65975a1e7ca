"""Stored tables in a bucket of an object store, with copies in a folder of this machine.

A file is staged and checked in the folder, and one request makes it visible under its key: S3 shows
an object whole or not at all. The request holds only if the object is still the one that was there
when the lock was taken, so that of two machines the later one is refused. A copy is read after the
store has said that it is of today's object; a copy is replaced by a rename once it has arrived
whole, and `.copies/<key>.json` says which object it is of.
"""

import contextlib
import hashlib
import io
import json
import time
import uuid
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import IO, Any

from esrd_pipeline.settings import Bucket
from esrd_pipeline.stores.client import (
    DEFAULT_ACCESS,
    NOT_MODIFIED,
    Access,
    Client,
    RefusedError,
    TornError,
)
from esrd_pipeline.stores.folder import FolderStore, read_stat
from esrd_pipeline.stores.store import PartitionBusyError, Seen, StoreError, name_key

COPIES = ".copies"
ARRIVING = ".arriving"
"""Folders of the copies' folder: notes on copies, and what has not arrived whole."""
_DIGEST = "sha256"
"""Metadata of an object: the digest of its bytes."""
_BLOCK = 1 << 20
_END = 1 << 16
"""Bytes that hold the footer of most files."""
_LENGTH_AT_END = 8
_ABANDONED = timedelta(days=1)
"""No upload or download goes on for so long."""


@dataclass(frozen=True, slots=True)
class Copy:
    """The object that a copy is of: its ETag and the digest of its bytes."""

    mark: str
    digest: str


@dataclass(frozen=True, slots=True, eq=False)
class ObjectStore:
    """Objects of `bucket`, with copies under `root`; see `Store`."""

    bucket: Bucket
    root: Path
    access: Access = DEFAULT_ACCESS
    _held: dict[str, str | None] = field(default_factory=dict, repr=False)
    """By locked key: the ETag of the object when the lock was taken; None for no object."""

    @property
    def _client(self) -> Client:
        return Client(self.bucket, self.access)

    @property
    def _folder(self) -> FolderStore:
        return FolderStore(self.root)

    def locate(self, key: str) -> str:
        """Return the object's address."""
        return f"{self.bucket.address}/{key}"

    def has(self, key: str) -> bool:
        """Return whether the object is there."""
        return self._find_mark(key) is not None

    def find(self, key: str) -> Path:
        """Return a copy of the object as it is now; the path is of no file if there is none."""
        copy = self._read_copy(key)
        known = {} if copy is None else {"IfNoneMatch": copy.mark}
        try:
            self._client.get(key, lambda answer: self._receive(key, answer), **known)
        except RefusedError as refused:
            if refused.code != NOT_MODIFIED:
                self._drop(key)
        return self.root / key

    def find_digest(self, key: str) -> str | None:
        """Return the digest of the copy of an object; None without one."""
        copy = self._read_copy(key)
        return None if copy is None else copy.digest

    def list_keys(self, pattern: str) -> Iterator[str]:
        """Yield the keys of a pattern."""
        return (seen.key for seen in self.look(pattern))

    def look(self, pattern: str) -> Iterator[Seen]:
        """Yield the objects of a pattern, by key."""
        size = len(pattern.split("/"))
        for found in self._list(pattern.partition("*")[0]):
            key = found["Key"][len(self._client.name("")) :]
            if len(key.split("/")) == size and PurePosixPath(key).match(pattern):
                yield Seen(key, found["Size"], found["LastModified"].timestamp(), found["ETag"])

    def find_seen(self, seen: Seen) -> Path:
        """Return a copy of a listed object, without a request where it is here already."""
        return self.root / seen.key if self._copied(seen) else self.find(seen.key)

    def open_end(self, seen: Seen) -> tuple[Path | IO[bytes], str | None]:
        """Return the copy of a listed object, or its last bytes if there is none; its digest."""
        copy = self._copied(seen)
        if copy is not None:
            return self.root / seen.key, copy.digest
        try:
            end, digest = self._read_end(seen.key, _END)
            needed = int.from_bytes(end[-_LENGTH_AT_END:-4], "little") + _LENGTH_AT_END
            if len(end) < needed <= seen.size:
                end, digest = self._read_end(seen.key, needed)
        except RefusedError:
            # It was deleted since.
            return io.BytesIO(), None
        return io.BytesIO(end), digest

    @contextlib.contextmanager
    def lock(self, key: str) -> Generator[None]:
        """Lock a key on this machine, and note the object that is there.

        Raises:
            PartitionBusyError: another process of this machine holds the lock.
        """
        with self._folder.lock(key):
            self._held[key] = self._find_mark(key)
            try:
                yield
            finally:
                del self._held[key]

    def publish(self, staged: Path, key: str) -> Path:
        """Store a file of the copies' folder as the object of a locked key; it becomes its copy.

        Raises:
            PartitionBusyError: the object was changed since the lock was taken; it stays.
        """
        if key not in self._held:
            raise RuntimeError(f"{name_key(key)} is published without its lock")
        digest = _digest_file(staged)
        try:
            mark = self._upload(staged, key, digest)
        except RefusedError:
            stored = self._find_stored(key)
            # Our own request was carried out if only its answer was lost and it was sent again.
            if stored is None or stored.digest != digest:
                raise PartitionBusyError(
                    f"{name_key(key)} was changed in {self.bucket.address} by another run while"
                    " this one made it: what the other has stored stays"
                ) from None
            mark = stored.mark
        self._held[key] = mark
        return self._make_copy(staged, key, Copy(mark, digest))

    def write(self, key: str, content: bytes) -> None:
        """Write a small object in one request."""
        digest = hashlib.sha256(content).hexdigest()
        self._client.call("put_object", key, Body=content, Metadata={_DIGEST: digest})

    def delete(self, key: str) -> None:
        """Delete a small object and its copy, if they are there."""
        self._client.call("delete_object", key)
        self._drop(key)

    def writes_on_condition(self) -> bool:
        """Return whether the store refuses to replace an object that another run has changed.

        Raises:
            StoreError: it does not answer, or does not let this account write.
        """
        key = f".esrd_doctor/{uuid.uuid4().hex}"
        self._client.call("put_object", key, Body=b"", IfNoneMatch="*")
        try:
            for condition in ({"IfNoneMatch": "*"}, {"IfMatch": f'"{"0" * 32}"'}):
                try:
                    self._client.call("put_object", key, Body=b"other", **condition)
                except RefusedError:
                    continue
                return False
        finally:
            self._client.call("delete_object", key)
        return True

    def _list(self, prefix: str) -> Iterator[Any]:
        following: dict[str, object] = {}
        while True:
            page = self._client.ask(
                "list_objects_v2", prefix, Prefix=self._client.name(prefix), **following
            )
            yield from page.get("Contents", ())
            if not page.get("IsTruncated"):
                return
            following = {"ContinuationToken": page["NextContinuationToken"]}

    def _find_mark(self, key: str) -> str | None:
        """Return the ETag of an object; a listing alone tells a missing one from no bucket."""
        return next((found["ETag"] for found in self._list(key)), None)

    def _find_stored(self, key: str) -> Copy | None:
        try:
            found = self._client.call("head_object", key)
        except RefusedError:
            return None
        return Copy(found["ETag"], found["Metadata"].get(_DIGEST, ""))

    def _upload(self, staged: Path, key: str, digest: str) -> str:
        """Store a file if the object is as it was when the lock was taken; return its ETag."""
        before = self._held[key]
        condition = {"IfNoneMatch": "*"} if before is None else {"IfMatch": before}
        noted = {_DIGEST: digest}
        with staged.open("rb") as file:
            if staged.stat().st_size <= self.access.at_once:
                answer = self._client.call(
                    "put_object", key, Body=file, Metadata=noted, **condition
                )
                return answer["ETag"]
            with contextlib.ExitStack() as undone:
                self._abort_abandoned(key)
                upload = self._client.call("create_multipart_upload", key, Metadata=noted)
                upload_id = upload["UploadId"]
                undone.callback(self._abort, key, upload_id)
                parts = list(self._send_parts(file, key, upload_id))
                if self._find_mark(key) != before:
                    # Some stores that speak S3 know no condition at the end of the parts.
                    raise RefusedError("PreconditionFailed")
                answer = self._client.call(
                    "complete_multipart_upload",
                    key,
                    UploadId=upload_id,
                    MultipartUpload={"Parts": parts},
                    **condition,
                )
                undone.pop_all()
                return answer["ETag"]

    def _send_parts(
        self, file: IO[bytes], key: str, upload_id: str
    ) -> Iterator[dict[str, str | int]]:
        number = 0
        while block := file.read(self.access.part):
            number += 1
            answer = self._client.call(
                "upload_part", key, UploadId=upload_id, PartNumber=number, Body=block
            )
            yield {"PartNumber": number, "ETag": answer["ETag"]}

    def _abort(self, key: str, upload_id: str) -> None:
        """Let a store delete the parts of an upload; the error that led here is the one to tell."""
        with contextlib.suppress(StoreError, RefusedError):
            self._client.call("abort_multipart_upload", key, UploadId=upload_id)

    def _abort_abandoned(self, key: str) -> None:
        """Let the store delete the parts that a killed run has left."""
        name = self._client.name(key)
        listed = self._client.ask("list_multipart_uploads", key, Prefix=name)
        for upload in listed.get("Uploads", ()):
            if upload["Key"] == name and upload["Initiated"] < datetime.now(UTC) - _ABANDONED:
                self._abort(key, upload["UploadId"])

    def _receive(self, key: str, answer: Any) -> None:  # noqa: ANN401
        """Make the body of an answer the copy, if it arrives whole."""
        arriving = self._folder.make_folder(f"{ARRIVING}/any")
        for left in arriving.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if left.stat().st_mtime < time.time() - _ABANDONED.total_seconds():
                    left.unlink()
        self._folder.make_folder(key)
        draft, digest = arriving / uuid.uuid4().hex, hashlib.sha256()
        try:
            with draft.open("wb") as file:
                for block in answer["Body"].iter_chunks(_BLOCK):
                    digest.update(block)
                    file.write(block)
            # An object that was not stored by this code has no digest: its length is compared.
            if answer["Metadata"].get(_DIGEST, digest.hexdigest()) != digest.hexdigest():
                raise TornError
            self._make_copy(draft, key, Copy(answer["ETag"], digest.hexdigest()))
        finally:
            draft.unlink(missing_ok=True)

    def _read_end(self, key: str, size: int) -> tuple[bytes, str | None]:
        def read(answer: Any) -> tuple[bytes, str | None]:  # noqa: ANN401
            return answer["Body"].read(), answer["Metadata"].get(_DIGEST)

        return self._client.get(key, read, Range=f"bytes=-{size}")

    def _copied(self, seen: Seen) -> Copy | None:
        copy = self._read_copy(seen.key)
        return copy if copy is not None and copy.mark == seen.mark else None

    def _read_copy(self, key: str) -> Copy | None:
        """Return what the copy is of; None without a copy, or if the note is of another file."""
        try:
            noted = json.loads((self.root / COPIES / f"{key}.json").read_bytes())
            if tuple(noted["stat"]) == read_stat(self.root / key):
                return Copy(noted["mark"], noted["digest"])
        except (FileNotFoundError, ValueError, KeyError):
            return None
        return None

    def _make_copy(self, file: Path, key: str, copy: Copy) -> Path:
        """Make a file the copy of an object, and note which; a rename changes nothing of the file.

        Where two processes do so at once, a note may be left of the other file: it counts for none.
        """
        noted = {"mark": copy.mark, "digest": copy.digest, "stat": read_stat(file)}
        path = self._folder.publish(file, key)
        note = self._folder.make_folder(f"{COPIES}/{key}") / f"{path.name}.json"
        draft = note.with_name(f"{note.name}.{uuid.uuid4().hex}")
        draft.write_text(json.dumps(noted), encoding="utf-8")
        draft.replace(note)
        return path

    def _drop(self, key: str) -> None:
        (self.root / key).unlink(missing_ok=True)
        (self.root / COPIES / f"{key}.json").unlink(missing_ok=True)


def _digest_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
