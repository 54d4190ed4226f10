"""Finds the AWS clients that a handler makes anew on every call, in its source.

A client made outside of the handler is made once an environment: its connections, TLS sessions and credentials serve
all calls after the first. Text in, places out; nothing here knows templates or constructs.
"""
