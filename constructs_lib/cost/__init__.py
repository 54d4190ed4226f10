"""What a synthesized app costs by the month, as far as its templates tell."""
