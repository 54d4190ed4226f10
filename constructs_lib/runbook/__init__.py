"""The runbook: one article for each kind of alarm."""
