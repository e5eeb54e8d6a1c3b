"""A process of its own in which many callers need the same account at once. Prints the tokens they got."""

import asyncio
import sys
from pathlib import Path
from uuid import UUID

import httpx

from tests.shops.channel import RotatingChannel
from tests.shops.desk import Desk, open_desk_context, read_clock_offset

CALLERS = 25


async def main(database_url: str, owner_url: str, ledger: str, merchant_id: str, account_id: str) -> None:
    channel = RotatingChannel(Path(ledger), await read_clock_offset(owner_url))
    channel.seconds_per_refresh = 0.3
    async with httpx.AsyncClient(trust_env=False) as http:
        context = open_desk_context(database_url, channel, http, Path(ledger).parent)
        desk = Desk(context, channel, database_url=database_url, owner_url=owner_url)
        calls = (desk.use(UUID(merchant_id), UUID(account_id)) for _ in range(CALLERS))
        sys.stdout.write("".join(f"{token}\n" for token in await asyncio.gather(*calls)))
        await context.database.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
