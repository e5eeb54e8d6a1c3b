"""What is on hand, what open orders have reserved, and what the channels are told."""
