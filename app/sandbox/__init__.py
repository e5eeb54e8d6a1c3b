"""Simulated marketplaces: protocol-faithful, with a ledger of their own, and able to go wrong on request."""
