"""Structured logs without secrets or buyer data: JSON lines, or colours when a person watches."""

import logging
import re
import sys
from typing import Any

import structlog
from pydantic import SecretStr
from structlog.types import EventDict, Processor, WrappedLogger

from app.core.settings import Settings

REDACTED = "[redacted]"

_SECRET_KEYS = re.compile(
    r"password|secret|token|authori[sz]ation|api_?key|partner_?key|cookie|credential|signature|^sign$"
    r"|phone|address|recipient|buyer|e_?mail|username",
    re.IGNORECASE,
)
_SECRET_TEXTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\bpk_[a-z]+_[0-9a-z]{8}_[0-9a-f]{64}_[0-9a-f]{8}"), REDACTED),
    (re.compile(r"\brt_[A-Za-z0-9_-]{40,}"), REDACTED),
    (re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"), REDACTED),
    (re.compile(r"(?i)\b(bearer|basic) +\S+"), rf"\1 {REDACTED}"),
    # A signed URL is a password; a database URL holds one.
    (re.compile(r"(\w+://[^\s?\"'<>]+)\?[^\s\"'<>]*"), r"\1?…"),
    (re.compile(r"(\w+://)[^\s/@\"']+@"), rf"\1{REDACTED}@"),
    # PostgreSQL quotes the row that it refuses.
    (re.compile(r"DETAIL: .*"), f"DETAIL: {REDACTED}"),
    (re.compile(r"\[parameters: .*"), f"[parameters: {REDACTED}"),
)
_MARKERS = ("pk_", "rt_", "eyJ", "earer", "asic", "EARER", "://", "DETAIL:", "[parameters:")
_registered: set[str] = set()


def register_secret(value: str) -> None:
    """Never let this text appear in a log, whatever the key it comes under."""
    if len(value) >= 8:
        _registered.add(value)


def scrub(text: str) -> str:
    """The text without registered secrets, tokens, keys, and the queries of URLs."""
    for secret in _registered:
        if secret in text:
            text = text.replace(secret, REDACTED)
    if any(marker in text for marker in _MARKERS):
        for pattern, replacement in _SECRET_TEXTS:
            text = pattern.sub(replacement, text)
    return text


def redact(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Processor: hide by key name and by value."""
    cleaned: EventDict = _clean(event)
    return cleaned


def _clean(value: Any, key: str = "") -> Any:
    if key and _SECRET_KEYS.search(key) and isinstance(value, str | bytes | dict | list | tuple):
        return REDACTED
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, dict):
        return {name: _clean(part, str(name)) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(part) for part in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return scrub(str(value))


def configure_logging(settings: Settings) -> None:
    """Send structlog and the libraries' own loggers down the same road. Repeatable."""
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, SecretStr):
                register_secret(part.get_secret_value())

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    renderer: Processor = (
        structlog.dev.ConsoleRenderer()
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    _tame_libraries()


def _tame_libraries() -> None:
    # Request lines of httpx and uvicorn carry signed URLs; ours say the same without them.
    for name in ("httpx", "httpcore", "uvicorn.access", "arq", "asyncio", "sse_starlette", "fontTools"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        library = logging.getLogger(name)
        library.handlers = []
        library.propagate = True
