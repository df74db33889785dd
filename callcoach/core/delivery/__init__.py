"""Voice delivery of one party: level, F0, pace and their states against the party's own usual values."""
