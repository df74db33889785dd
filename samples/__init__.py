"""Synthetic two-channel support calls with exact truth: texts, generator and class rules."""
