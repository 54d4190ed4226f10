"""Labelled systems, one kind of way a file: each `TOPOLOGIES` holds circles, and the same wiring made safe."""
