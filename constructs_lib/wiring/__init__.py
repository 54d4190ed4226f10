"""What every construct needs and none should do by hand: identity, grants, secrets, auth, reasons."""
