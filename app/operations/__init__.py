"""The record of work that outlives a request: plan, items, counts, retry."""
