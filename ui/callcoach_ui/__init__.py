"""The windows of callcoach. Nothing outside this package knows Qt."""
