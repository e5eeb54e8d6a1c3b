"""Print labels: have the channel make them (or make them), take each whole, keep our own copy. Nothing here blocks.

A run does what can be done now and asks to be run again; labels may be requested and fetched any number of times.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog

from app.channels import references
from app.channels.contract import Connector, LabelStatus, PackageRef, PrintsLabels, ShopAccess
from app.channels.errors import ChannelError, Malformed, Rejected, Unauthorized
from app.core import fail
from app.core.context import acting_as
from app.documents import service as documents
from app.documents.errors import BadPdf, StorageFull, StoreAway
from app.documents.service import Paper
from app.fulfilment import own_labels, papers, printing_labels
from app.fulfilment.printing_labels import Begun, Outcome, WantedLabel
from app.operations import service as operations
from app.orders import reading
from app.shops import access
from app.work.context import Context
from app.work.service import Claimed

log = structlog.get_logger()

_AT_ONCE = 8
"""Files of one chunk fetched together; the limiter sets the pace."""
_ASK_AGAIN = ("label_not_ready", "label_not_requested")
"""Our codes after which the task is simply to be started again."""


@dataclass(slots=True)
class _Round:
    """One run of a chunk, and what made it wait."""

    context: Context
    merchant_id: UUID
    account_id: UUID
    label_batch: int
    """Most packages in one label call of this channel."""
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
    waits: list[ChannelError] = field(default_factory=list)


async def run_label_chunk(context: Context, claimed: Claimed) -> timedelta | None:
    """One run of `fulfilment.print_labels`. Raises Unauthorized when only the seller's consent helps."""
    operation_id, chunk = operations.parse_chunk_ref(claimed.ref)
    database, merchant_id = context.database, claimed.merchant_id
    begun = await database.transact(printing_labels.begin, merchant_id, operation_id, chunk, context.connectors)
    wait: ChannelError | None = None
    with acting_as(operations.caller_of(begun.operation), merchant_id=merchant_id):
        if begun.account_id is not None:
            this = _Round(context, merchant_id, begun.account_id, context.connectors[begun.channel].facts.label_batch)
            await _get_labels(this, operation_id, chunk, begun)
            wait = _worst(this.waits)
        again_in = await database.transact(
            printing_labels.end,
            merchant_id,
            operation_id,
            chunk,
            most=timedelta(seconds=context.settings.label_wait_seconds),
            wait=wait,
        )
    if isinstance(wait, Unauthorized) and again_in is not None:
        raise wait
    return again_in


async def _get_labels(this: _Round, operation_id: UUID, chunk: int, begun: Begun) -> None:
    """Read what is not known well enough, then get every label that is not here yet."""
    database = this.context.database
    try:
        await reading.read_orders(this.context, this.merchant_id, this.account_id, begun.to_read, priority="user")
    except ChannelError as error:
        this.waits.append(error)  # what is in our store can be printed all the same
    wanted = await database.transact(printing_labels.assess, this.merchant_id, operation_id, chunk)
    if not wanted or isinstance(_worst(this.waits), Unauthorized):
        return
    if printing_labels.are_ours(this.context.connectors, begun.channel):
        outcomes = await own_labels.make(this.context, this.merchant_id, wanted)
    else:
        outcomes = await _ask_channel(this, wanted)
    fail.point("label.before_row")
    await database.transact(printing_labels.assess, this.merchant_id, operation_id, chunk, outcomes=outcomes)


async def _ask_channel(this: _Round, wanted: Sequence[WantedLabel]) -> list[Outcome]:
    """Start the tasks that are not started, look after the others, fetch what is ready."""
    known: list[tuple[WantedLabel, LabelStatus, str | None]] = []
    for step, group in (
        (_request, [one for one in wanted if not one.is_requested]),
        (_poll, [one for one in wanted if one.is_requested]),
    ):
        for batch in _batches(group, this.label_batch):
            with references.hearing() as heard:
                try:
                    told = await step(this, batch)
                except ChannelError as error:
                    this.waits.append(error)
                    continue
            statuses = [(one, told.get(one.ref.package_number)) for one in batch]
            known += [(one, status, heard.reference) for one, status in statuses if status is not None]
    fetched = await asyncio.gather(*(_fetch(this, one) for one, status, _ in known if status.state == "ready"))
    refused = [_refused(one, status, reference) for one, status, reference in known if status.state == "failed"]
    return refused + [outcome for outcome in fetched if outcome is not None]


def _refused(wanted: WantedLabel, status: LabelStatus, reference: str | None) -> Outcome:
    if status.code in _ASK_AGAIN:
        return Outcome(wanted, "forgotten")
    code = status.code or "label_refused"
    return Outcome(wanted, "failed", code=code, channel_code=status.channel_code, channel_reference=reference)


async def _request(this: _Round, batch: Sequence[WantedLabel]) -> Mapping[str, LabelStatus]:
    statuses = await _call(this, batch, lambda connector, door, refs: connector.request_labels(door, refs))
    fail.point("label.task_created")
    started = {
        one.package_id: one.tracking_number
        for one in batch
        if one.ref.package_number in statuses and statuses[one.ref.package_number].state != "failed"
    }
    await this.context.database.transact(documents.request_labels, this.merchant_id, started)
    return statuses


async def _poll(this: _Round, batch: Sequence[WantedLabel]) -> Mapping[str, LabelStatus]:
    return await _call(this, batch, lambda connector, door, refs: connector.poll_labels(door, refs))


async def _call(
    this: _Round,
    batch: Sequence[WantedLabel],
    use: Callable[[PrintsLabels, ShopAccess, list[PackageRef]], Coroutine[Any, Any, Mapping[str, LabelStatus]]],
) -> Mapping[str, LabelStatus]:
    async def run(connector: Connector, door: ShopAccess) -> Mapping[str, LabelStatus]:
        assert isinstance(connector, PrintsLabels)
        return await use(connector, door, [one.ref for one in batch])

    return await access.call(this.context, this.merchant_id, this.account_id, run)


async def _fetch(this: _Round, wanted: WantedLabel) -> Outcome | None:
    """Fetch, check and store one label. None when the channel or the store makes it wait."""
    async with this.gate:
        with references.hearing() as heard:
            outcome = await _fetch_once(this, wanted)
        return outcome and replace(outcome, channel_reference=heard.reference)


async def _fetch_once(this: _Round, wanted: WantedLabel) -> Outcome | None:
    try:
        return Outcome(wanted, "ready", paper=await _take(this, wanted))
    except Rejected as error:
        if error.meaning in _ASK_AGAIN:
            return Outcome(wanted, "forgotten")
        return Outcome(wanted, "failed", code=error.meaning, channel_code=error.code, channel_reason=error.reason)
    except (Malformed, BadPdf) as error:
        log.warning("label_broken", package_id=str(wanted.package_id), reason=str(error))
        return Outcome(wanted, "broken")
    except StorageFull as error:
        log.error("storage_full", reason=str(error))
        return Outcome(wanted, "failed", code="storage_full")
    except ChannelError as error:
        this.waits.append(error)
    except StoreAway:
        log.warning("store_away")
    return None


async def _take(this: _Round, wanted: WantedLabel) -> Paper:
    """Raises ChannelError, BadPdf, StorageFull or StoreAway."""

    async def run(connector: Connector, door: ShopAccess) -> bytes:
        assert isinstance(connector, PrintsLabels)
        return await connector.fetch_label(door, wanted.ref)

    sent = await access.call(this.context, this.merchant_id, this.account_id, run)
    paper = await papers.keep(this.context, this.merchant_id, sent)
    fail.point("label.bytes_written")
    return paper


def _batches(group: Sequence[WantedLabel], size: int) -> Iterator[Sequence[WantedLabel]]:
    for start in range(0, len(group), size):
        yield group[start : start + size]


def _worst(waits: Sequence[ChannelError]) -> ChannelError | None:
    """The one that decides how long to wait: a consent that is missing, else the longest pause asked for."""
    return max(waits, key=lambda one: (isinstance(one, Unauthorized), one.retry_after or 0.0), default=None)
