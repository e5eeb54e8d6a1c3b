"""Papers are kept whole or not at all."""

import hashlib
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

from app.core.ids import new_id
from app.core.settings import WrongSetting
from app.documents.errors import PaperLost, StorageFull, StoreAway
from app.documents.store import Store, open_store

ROOT = Path(__file__).parents[2]
CONTENT = b"%PDF-1.4 and so on"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A folder that does not exist yet."""
    return open_store(f"file://{tmp_path}/my documents/of today".replace(" ", "%20"))


def file_of(tmp_path: Path) -> Path:
    """The only file."""
    [file] = [one for one in tmp_path.rglob("*") if one.is_file()]
    return file


async def test_what_is_put_is_got(store: Store, tmp_path: Path) -> None:
    merchant_id = new_id()

    sha256 = await store.put(merchant_id, CONTENT)
    again = await store.put(merchant_id, CONTENT)

    assert sha256 == again == hashlib.sha256(CONTENT).hexdigest()
    assert await store.get(merchant_id, sha256) == CONTENT
    place = file_of(tmp_path).relative_to(tmp_path)
    assert place.parts == ("my documents", "of today", merchant_id.hex, sha256[:2], f"{sha256}.pdf")


async def test_merchants_do_not_share_files(store: Store) -> None:
    sha256 = await store.put(new_id(), CONTENT)

    with pytest.raises(PaperLost):
        await store.get(new_id(), sha256)


@pytest.mark.parametrize("damage", [CONTENT[:-1], CONTENT[:-1] + b"x", b""], ids=["cut off", "changed", "empty"])
async def test_a_damaged_file_is_never_answered(store: Store, tmp_path: Path, damage: bytes) -> None:
    merchant_id = new_id()
    sha256 = await store.put(merchant_id, CONTENT)

    file_of(tmp_path).write_bytes(damage)

    with pytest.raises(PaperLost):
        await store.get(merchant_id, sha256)
    await store.put(merchant_id, CONTENT)
    assert await store.get(merchant_id, sha256) == CONTENT


async def test_a_store_that_cannot_be_written_says_so(store: Store, tmp_path: Path) -> None:
    merchant_id = new_id()
    await store.put(new_id(), CONTENT)
    (tmp_path / "my documents" / "of today" / merchant_id.hex).write_text("in the way of the folder")

    with pytest.raises(StorageFull):
        await store.put(merchant_id, CONTENT)


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    script = f"""
import asyncio, resource
from uuid import UUID
from app.documents.errors import StorageFull
from app.documents.store import Store

resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000))
store = Store("file://{tmp_path}")
try:
    asyncio.run(store.put(UUID(int=1), b"x" * 5_000))
except StorageFull as error:
    print("full:", error)
print(asyncio.run(store.put(UUID(int=1), b"x" * 500)))
"""
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)

    refused, sha256 = ran.stdout.splitlines()
    assert refused.startswith("full:") and "os error" in refused
    assert file_of(tmp_path).name == f"{sha256}.pdf"


async def test_a_bucket_that_is_away_is_neither_full_nor_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {
        "AWS_ENDPOINT": "http://127.0.0.1:9",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "ap-southeast-3",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    store = Store("s3://papers/orders")

    with pytest.raises(StoreAway):
        await store.put(UUID(int=1), CONTENT)
    with pytest.raises(StoreAway):
        await store.get(UUID(int=1), "0" * 64)


@pytest.mark.parametrize("location", ["ftp://papers", "/var/papers", "memory:///", ""])
def test_a_location_we_cannot_use_is_named(location: str) -> None:
    with pytest.raises(WrongSetting, match="PLUGOSYNC_DOCUMENTS_URL"):
        open_store(location)
