"""What was found, written down: for people, for programs, and for code scanning."""
