"""The worker process: collects every domain's JOBS, claims, sweeps."""
