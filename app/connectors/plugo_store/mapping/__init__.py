"""WooCommerce's words to ours, pure."""
