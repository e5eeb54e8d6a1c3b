"""Orders, lines and packages: the versioned upsert, search, counts, holds."""
