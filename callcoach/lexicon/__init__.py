"""Word lists as data and the matcher that finds their rows in what was said."""
