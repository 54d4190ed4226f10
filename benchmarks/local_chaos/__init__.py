"""Kills the embedded AWS and its handlers at random while they are busy, and looks at what is left."""
