"""Master Products, the channels' listings, and which belong together."""
