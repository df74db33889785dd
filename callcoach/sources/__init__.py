"""Where audio comes from: recordings on disk."""
