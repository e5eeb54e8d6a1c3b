"""What every simulated marketplace stands on: clock, durable store, ledger, faults, pushes, control API."""
