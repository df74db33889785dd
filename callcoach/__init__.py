"""callcoach: an analyser of support calls that belongs to the agent."""

__version__ = "0.1.0"
