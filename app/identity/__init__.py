"""Merchants, users, sessions and API keys."""
