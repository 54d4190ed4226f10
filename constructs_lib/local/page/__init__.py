"""The page of a local run, on localhost: what is deployed, what happens, and the means to try it."""

from constructs_lib.local.page.page import Page

__all__ = ["Page"]
