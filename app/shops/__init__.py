"""Connections, accounts and shops: consent, tokens, health."""
