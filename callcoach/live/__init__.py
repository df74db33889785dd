"""A call while it runs: capture, analysis and recogniser together, consent, and the folder afterwards."""
