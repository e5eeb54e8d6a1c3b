"""What endpoints need of the process; built once at start-up, hung on `app.state`.

The functions are `async` because FastAPI would send plain ones to a thread for each request.
"""

from typing import Annotated, cast

from fastapi import Depends, Request

from app.core.db import Database
from app.core.security import Keyring
from app.core.settings import Settings


async def read_settings(request: Request) -> Settings:
    """The service's settings."""
    return cast(Settings, request.app.state.settings)


async def read_database(request: Request) -> Database:
    """The process's database connections."""
    return cast(Database, request.app.state.database)


async def read_keyring(request: Request) -> Keyring:
    """The service's keys."""
    return cast(Keyring, request.app.state.keyring)


SettingsDep = Annotated[Settings, Depends(read_settings)]
DatabaseDep = Annotated[Database, Depends(read_database)]
KeyringDep = Annotated[Keyring, Depends(read_keyring)]
