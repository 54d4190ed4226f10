"""The local run against what else answers on localhost, in one run, with the same handler."""
