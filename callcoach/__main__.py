"""``python -m callcoach``."""

from callcoach.cli import main

main()
