"""The application in the test's own process."""

from tests.fixtures.application import application, desk, http, other_desk

__all__ = ["application", "desk", "http", "other_desk"]
