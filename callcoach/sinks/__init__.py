"""Where the results of a call go: folder, event log, exports, terminal."""
