"""The pure core: from blocks of audio to events, without threads, clocks, files or devices."""
