"""Lazada's words to ours, pure."""
