"""``python -m mathgloss``."""

from mathgloss.cli import main

main()
