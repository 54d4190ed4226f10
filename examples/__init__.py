"""The example stacks that `app.py` composes, one story a file."""
