"""Functions the library itself deploys, each a folder that is bundled by itself; they import nothing else of it."""
