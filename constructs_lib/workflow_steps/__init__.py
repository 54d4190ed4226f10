"""The steps of a workflow, and how they become a state machine: a recipe, surveyed forwards, built backwards."""
