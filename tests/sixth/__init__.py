"""A sixth channel, added the way docs/adding-a-channel.md says: one folder here, one there, nothing else."""

from pathlib import Path

FOLDER = Path(__file__).parent
CONNECTORS = str(FOLDER / "connectors")
SANDBOX = str(FOLDER / "sandbox")
