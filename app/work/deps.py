"""The process's Context, for endpoints that talk to channels themselves."""

from typing import Annotated, cast

from fastapi import Depends, Request

from app.work.context import Context


async def read_context(request: Request) -> Context:
    """Built once at start-up. `async`, because FastAPI would send a plain function to a thread."""
    return cast(Context, request.app.state.context)


ContextDep = Annotated[Context, Depends(read_context)]
