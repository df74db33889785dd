"""The capture process: both sides on one clock, a ring in shared memory and the journal on disk."""
