"""callcoach: an analyser of support calls that belongs to the agent."""

import os

# The library that runs the speech detector sends usage data since its version 1.29 unless this is set before
# it is loaded; every process of callcoach passes through here first (SEC-7).
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

__version__ = "0.1.0"
