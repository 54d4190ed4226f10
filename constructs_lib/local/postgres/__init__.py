"""A real PostgreSQL on this machine: its process, the relay before it that speaks TLS, and who may log in."""
