"""Versions as `ETag`, and the versions an `If-Match` accepts."""

import re
from typing import Any

TAGGED: dict[int | str, dict[str, Any]] = {
    200: {"headers": {"ETag": {"description": "For `If-Match`.", "schema": {"type": "string"}}}}
}
"""The responses of an endpoint that answers with an `ETag`."""

_TAG = re.compile(r'"(\d{1,9})"')


def tag_of(version: int) -> str:
    """The `ETag` of a version."""
    return f'"{version}"'


def versions_of(if_match: str | None) -> frozenset[int] | None:
    """The versions an `If-Match` accepts; None accepts any. A tag that is none of ours fits no version."""
    if if_match is None or if_match.strip() == "*":
        return None
    return frozenset(int(tag) for tag in _TAG.findall(if_match))
