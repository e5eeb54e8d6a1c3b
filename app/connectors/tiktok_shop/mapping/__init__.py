"""TikTok Shop's words to ours, pure."""
