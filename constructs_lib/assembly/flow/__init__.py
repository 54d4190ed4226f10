"""What makes what run: who may write where, where that goes on to, and what of it passes each filter on the way."""
