"""Exactly once under fire: what becomes of every message when everything goes wrong at once, on a virtual clock."""
