"""Who may do what: the policies of an assembly, and what they come to for one role."""
