"""The connectors, for endpoints."""

from typing import Annotated, cast

from fastapi import Depends, Request

from app.channels.contract import Connectors


async def read_connectors(request: Request) -> Connectors:
    """Built once at start-up."""
    return cast(Connectors, request.app.state.context.connectors)


ConnectorsDep = Annotated[Connectors, Depends(read_connectors)]
