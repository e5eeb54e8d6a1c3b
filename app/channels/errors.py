"""What can go wrong at a channel: one closed set. Raised by connectors, recorded by flows, never answered raw."""


class ChannelError(Exception):
    """Any failed call. `code` and `reason` are the channel's own words, kept as evidence."""

    def __init__(self, code: str = "", reason: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(f"{type(self).__name__}: {code} {reason}".strip())
        self.code = code
        self.reason = reason
        self.retry_after = retry_after


class Rejected(ChannelError):
    """No effect, final. `meaning` is our stable code where the channel's answer has one (`slot_unavailable`, …)."""

    def __init__(self, code: str = "", reason: str = "", *, meaning: str = "rejected_by_channel") -> None:
        super().__init__(code, reason)
        self.meaning = meaning


class AlreadyDone(Rejected):
    """Refused because it was done before. Read, then adopt."""

    def __init__(self, code: str = "", reason: str = "") -> None:
        super().__init__(code, reason, meaning="already_done")


class Throttled(ChannelError):
    """No effect; come back after `retry_after` seconds."""


class Unavailable(ChannelError):
    """Proved to have had no effect (nothing was sent), or a read that failed; try again later."""


class Unauthorized(ChannelError):
    """No effect; the token is expired or revoked. `is_final`: only the seller can mend it by consenting again."""

    def __init__(self, code: str = "", reason: str = "", *, is_final: bool = False) -> None:
        super().__init__(code, reason)
        self.is_final = is_final


class Unknown(ChannelError):
    """May have taken effect: read back before anything else."""


class Malformed(ChannelError):
    """The answer to a read cannot be understood."""
