"""Runs the functions that are deployed to the embedded AWS, as processes of this machine."""
