"""What people type, paste and scan for an order: its number, or that of a package or parcel. Pure."""


def spellings(text: str) -> tuple[str, ...]:
    """How a channel may write this number: without blanks and a leading `#`; as it came, in capitals, in small."""
    bare = "".join(one for one in text if one.isprintable() and not one.isspace()).lstrip("#")
    return tuple(dict.fromkeys(one for one in (bare, bare.upper(), bare.lower()) if one))


def guesses(text: str) -> tuple[str, ...]:
    """The number itself, then its spellings: what to compare with numbers that are kept here."""
    return tuple(dict.fromkeys((text.strip(), *spellings(text))))
