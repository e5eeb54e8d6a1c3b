"""The document store, for endpoints."""

from typing import Annotated

from fastapi import Depends

from app.core.deps import SettingsDep
from app.documents.store import Store, open_store


async def read_store(settings: SettingsDep) -> Store:
    """The process's store."""
    return open_store(settings.documents_location)


StoreDep = Annotated[Store, Depends(read_store)]
