"""A merchant's shops and orders, as for the order desk."""

from tests.fixtures.application import application, desk, http, other_desk
from tests.orders.conftest import archive, other_archive, owner

__all__ = ["application", "archive", "desk", "http", "other_archive", "other_desk", "owner"]
