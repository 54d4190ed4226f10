"""Writes the OpenAPI document of the APIs in an assembly."""
