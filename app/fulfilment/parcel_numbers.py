"""Numbers for parcels that no courier has given one: they scan well, and nobody takes them for a courier's.

`PLG`, ten digits that count up per merchant, and a Luhn check digit over those ten.
"""

import re
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.fulfilment.models import ParcelNumberRow

_FORM = re.compile(r"PLG(\d{10})(\d)")


async def next_number(session: AsyncSession, merchant_id: UUID) -> str:
    """The merchant's next number; never given twice."""
    query = insert(ParcelNumberRow).values(merchant_id=merchant_id, last=1)
    query = query.on_conflict_do_update(index_elements=["merchant_id"], set_={"last": ParcelNumberRow.last + 1})
    return to_number((await session.execute(query.returning(ParcelNumberRow.last))).scalar_one())


def to_number(sequence: int) -> str:
    """1 → PLG00000000018."""
    digits = f"{sequence:010d}"
    return f"PLG{digits}{_check_digit(digits)}"


def is_ours(number: str) -> bool:
    """Whether it has the form of one of these."""
    found = _FORM.fullmatch(number)
    return found is not None and found[2] == _check_digit(found[1])


def _check_digit(digits: str) -> str:
    doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits))]
    return str(-sum(value - 9 if value > 9 else value for value in doubled) % 10)
