"""Cues: what they are called and say, and the rules that open and close them."""
