"""Speech detection and recognition, and the store of their weights."""
