"""The `plugosync` commands: parse, call one function, print."""

import asyncio
import contextlib
import re
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console

from app import main as api_process
from app.core import migrations
from app.core.db import Database, UnsafeRole
from app.core.errors import DomainError, Unavailable
from app.core.security import Keyring, WrongKey
from app.core.settings import Settings, WrongSetting
from app.dev import demo as demo_day
from app.dev import supervisor
from app.dev.http import CallFailed
from app.dev.processes import StartFailed
from app.dev.seed import seed as seed_demo
from app.identity.service import create_merchant
from app.shops import sealing
from app.worker import main as worker_process

T = TypeVar("T")

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
merchants = typer.Typer(no_args_is_help=True, help="Merchants.")
cli.add_typer(merchants, name="merchant")
console = Console(highlight=False, soft_wrap=True)


@cli.command()
def api(workers: Annotated[int, typer.Option(min=1, help="Processes that share the port.")] = 1) -> None:
    """Serve HTTP."""
    settings = Settings()
    asyncio.run(
        assert_startable(settings)
    )  # here a wrong setting is one sentence, in the server's start-up a traceback
    api_process.run(settings, workers=workers)


@cli.command()
def worker() -> None:
    """Do the work that outlives requests."""
    worker_process.run(Settings())


@cli.command()
def migrate() -> None:
    """Bring the database to the level of this code."""
    migrations.upgrade(Settings())
    console.print(f"The database is at {migrations.head_revision()}.")


@cli.command()
def dev() -> None:
    """Run everything here: servers, sandbox, API, worker and a demo merchant."""
    raise typer.Exit(supervisor.run(Settings()))


@cli.command()
def demo() -> None:
    """Drive a seller's day through the API and leave its PDF and CSV files."""
    raise typer.Exit(demo_day.run(Settings()))


@cli.command()
def seed() -> None:
    """Make the demo merchant at a running service and sandbox."""
    settings = Settings()
    made = seed_demo(
        home=settings.home.absolute(),
        database_url=settings.require("database_url"),
        api_url=settings.base_url,
        sandbox_url=f"http://127.0.0.1:{settings.sandbox_port}",
        say=console.print,
    )
    console.print(f"{made.email} / {made.password}\n{made.api_key}")


@cli.command()
def openapi(file: Annotated[Path, typer.Argument()] = Path("openapi/openapi.json")) -> None:
    """Write the OpenAPI document."""
    api_process.write_openapi(file)
    console.print(f"Wrote {file}.")


@merchants.command("create")
def merchant_create(
    name: str,
    email: str,
    password: Annotated[str | None, typer.Option(help="Made up and shown once when left out.")] = None,
) -> None:
    """Make a merchant and its owner."""
    _, _, given = asyncio.run(
        in_database(Settings(), lambda database: create_merchant(database, name, email, password))
    )
    console.print(f"{name} is ready: {email} / {given}", markup=False)


@cli.command("rotate-keys")
def rotate_keys() -> None:
    """Seal every stored secret with the newest of PLUGOSYNC_SECRET_KEYS."""
    settings = Settings()
    count = asyncio.run(
        in_database(settings, lambda database: sealing.reseal_all(database, Keyring(settings.secret_keys)))
    )
    console.print(f"{count} secrets carry the newest key.")


async def in_database(settings: Settings, use: Callable[[Database], Awaitable[T]]) -> T:
    """Run one function with a connection of its own."""
    database = Database(settings.require("database_url"), application="cli")
    try:
        return await use(database)
    finally:
        await database.close()


async def assert_startable(settings: Settings) -> None:
    """Open and close everything once. A database that is away stops nothing: the API waits for it."""
    with contextlib.suppress(Unavailable):
        async with worker_process.open_context(settings, application="check"):
            pass


def describe(error: ValidationError) -> str:
    """One sentence that names the setting at fault."""
    first = error.errors()[0]
    channel = re.sub(r"(?<!^)(?=[A-Z])", "_", error.title.removesuffix("Settings"))
    name = "_".join(filter(None, ("PLUGOSYNC", channel, *(str(part) for part in first["loc"][:1])))).upper()
    reason = first["msg"].removeprefix("Value error, ")
    return reason if "PLUGOSYNC_" in reason else f"{name} does not fit: {reason[0].lower()}{reason[1:]}."


def main() -> None:
    """Entry point of the console script."""
    try:
        cli()
    except ValidationError as error:
        fail(describe(error))
    except DomainError as error:
        fail(error.text())
    except (WrongSetting, WrongKey, UnsafeRole, StartFailed, CallFailed) as error:
        fail(str(error))


def fail(sentence: str) -> NoReturn:
    """End with one sentence on standard error."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(sentence, style="red", markup=False)
    sys.exit(2)


if __name__ == "__main__":
    main()
