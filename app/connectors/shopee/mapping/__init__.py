"""Shopee's words to ours and back: pure functions, the only place that knows both vocabularies."""
