"""One folder per marketplace API, found by discovery; nothing else in the service names them."""
