"""Bulk actions, arrange, print; one intent per effect."""
