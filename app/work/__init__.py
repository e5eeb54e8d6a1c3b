"""Durable work: claim, lease, fence, sweep, wake."""
