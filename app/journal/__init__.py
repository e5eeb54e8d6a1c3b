"""Append-only record of what happened to whom."""
