"""Keeps PDFs by merchant and SHA-256, in a folder or an S3 bucket. What is stored is never changed.

A file is written beside its place, moved there and synced to disk before `put` answers, so a row that names it can
never point to half a file.
"""

import asyncio
import functools
import hashlib
import os
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import UUID

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, S3Store

from app.core.settings import WrongSetting
from app.documents.errors import PaperLost, StorageFull, StoreAway

_FAILURES = (BaseError, OSError)
# A bucket that is away is to be told within the patience of a request.
_CONNECT_SECONDS = timedelta(seconds=2)
_REQUEST_SECONDS = timedelta(seconds=8)
_RETRIES = 1


class Store:
    """One place for PDFs. Paths are made of ids and hashes only."""

    def __init__(self, location: str) -> None:
        parts = urlsplit(location)
        if parts.scheme not in ("file", "s3"):
            raise WrongSetting("PLUGOSYNC_DOCUMENTS_URL must begin with file:/// or s3://")
        self._location = location
        self._folder = Path(unquote(parts.path)) if parts.scheme == "file" else None
        self._opened: ObjectStore | None = None

    async def put(self, merchant_id: UUID, content: bytes) -> str:
        """Keep these bytes; answers their SHA-256. Putting the same again changes nothing.

        Raises StorageFull or StoreAway.
        """
        sha256 = await asyncio.to_thread(_hash, content)
        path = _path(merchant_id, sha256)
        try:
            await obstore.put_async(self._open(), path, content)
            if self._folder is not None:
                await asyncio.to_thread(_sync, self._folder, self._folder / path)
        except _FAILURES as error:
            if self._folder is not None:
                raise StorageFull(str(error).partition("\n")[0]) from error
            raise StoreAway() from error
        return sha256

    async def get(self, merchant_id: UUID, sha256: str) -> bytes:
        """The bytes of this hash. Raises PaperLost when they are gone or not those, StoreAway when nobody can tell."""
        try:
            answer = await obstore.get_async(self._open(), _path(merchant_id, sha256))
            content = bytes(await answer.bytes_async())
        except FileNotFoundError as error:
            raise PaperLost(sha256) from error
        except _FAILURES as error:
            raise StoreAway() from error
        if await asyncio.to_thread(_hash, content) != sha256:
            raise PaperLost(sha256)
        return content

    def _open(self) -> ObjectStore:
        if self._opened is None:
            self._opened = self._open_bucket() if self._folder is None else LocalStore(self._folder, mkdir=True)
        return self._opened

    def _open_bucket(self) -> ObjectStore:
        return S3Store.from_url(
            self._location,
            client_options={"connect_timeout": _CONNECT_SECONDS, "timeout": _REQUEST_SECONDS},
            retry_config={"max_retries": _RETRIES, "retry_timeout": _REQUEST_SECONDS},
        )


@functools.cache
def open_store(location: str) -> Store:
    """The store at `file:///folder` or `s3://bucket/prefix`; one per process and location. Raises WrongSetting."""
    return Store(location)


def _path(merchant_id: UUID, sha256: str) -> str:
    return f"{merchant_id.hex}/{sha256[:2]}/{sha256}.pdf"


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _sync(root: Path, file: Path) -> None:
    """Force the file and the folders that lead to it onto the disk."""
    place = file
    while True:
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if place == root:
            return
        place = place.parent
