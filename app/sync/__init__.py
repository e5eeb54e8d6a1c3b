"""Orders in: windows, checkpoints, push intake, first backfill."""
