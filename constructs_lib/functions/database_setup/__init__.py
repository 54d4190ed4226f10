"""Makes the users of a relational database, applies its migrations and rotates its passwords."""
