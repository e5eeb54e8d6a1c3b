"""The order desk of this process, for endpoints only."""

from typing import Annotated

from fastapi import Depends, Request

from app.orders.page import ActionTexts
from app.orders.search import Desk


async def read_desk(request: Request) -> Desk:
    """Built with the first request; it keeps the texts of actions it has written."""
    state = request.app.state
    desk: Desk | None = getattr(state, "order_desk", None)
    if desk is None:
        desk = state.order_desk = Desk(
            database=state.database,
            cursor_key=state.keyring.cursor_key,
            texts=ActionTexts(),
            at_risk_hours=state.settings.sla_at_risk_hours,
        )
    return desk


DeskDep = Annotated[Desk, Depends(read_desk)]
