"""PlugoSync Orders: one order desk for every sales channel."""
