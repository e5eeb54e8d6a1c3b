"""Collects every domain's JOBS and DUTIES."""

from collections.abc import Mapping

from app.fulfilment import jobs as fulfilment
from app.shops import jobs as shops
from app.stock import jobs as stock
from app.sync import jobs as sync
from app.work.context import Duty, Handler
from app.worker import duties

_JOBS = (fulfilment.JOBS, shops.JOBS, stock.JOBS, sync.JOBS)
_DUTIES = (duties.DUTIES, shops.DUTIES, sync.DUTIES, fulfilment.DUTIES, stock.DUTIES)


def load_jobs() -> Mapping[str, Handler]:
    """Every handler by kind. Two domains may not share a kind."""
    jobs: dict[str, Handler] = {}
    for part in _JOBS:
        clash = jobs.keys() & part.keys()
        assert not clash, f"two domains handle {clash}"
        jobs.update(part)
    return jobs


def load_duties() -> Mapping[str, Duty]:
    """Every periodic duty by name."""
    duties_by_name: dict[str, Duty] = {}
    for part in _DUTIES:
        duties_by_name.update(part)
    return duties_by_name
