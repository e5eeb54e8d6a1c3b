"""The sandbox with the sixth marketplace beside its own."""

import app.sandbox
from app.sandbox.__main__ import main
from tests.sixth import SANDBOX

app.sandbox.__path__.append(SANDBOX)

if __name__ == "__main__":
    main()
