"""Bundles handlers for Lambda: Node with esbuild, Python with uv, neither with Docker."""
