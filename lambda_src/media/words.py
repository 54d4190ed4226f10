"""What an image is found by: the words in the name it was uploaded under."""

from __future__ import annotations

import re
import unicodedata

# A key has at most 1,024 bytes, so this is about what one could hold; each word is one write.
MOST_WORDS = 50
WORD = re.compile(r"[^\W_]+")


def words_of(key: str) -> list[str]:
    """Return the words of a key without its first folder and its extension, folded, each once, in their order."""
    path = key.partition("/")[2] if "/" in key else key
    stem, dot, extension = path.rpartition(".")
    name = stem if dot and "/" not in extension else path
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return list(dict.fromkeys(WORD.findall(folded)))[:MOST_WORDS]
