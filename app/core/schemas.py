"""Parents of what callers send."""

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    """A request body: a field it does not name is refused, so a misspelt one is never silently ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)
