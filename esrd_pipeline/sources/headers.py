"""Column names as in data.cms.gov's API, so that both header styles compare equal."""

import hashlib
import re

LONGEST_NAME = 64
KEPT_OF_LONGER_NAME = 59


def api_name(header: str) -> str:
    """Return the API's name of a CSV header; an API name is returned unchanged.

    White space becomes `_`; characters other than ASCII letters, digits and `_`, and outer `_`,
    are removed; a name longer than 64 characters keeps its first 59, `_` and four hex digits of
    its md5 (the API's rule, derived from its names of published headers).
    """
    words = re.sub(r"\s", "_", header.strip())
    name = re.sub(r"[^A-Za-z0-9_]", "", words).strip("_").lower()
    if len(name) <= LONGEST_NAME:
        return name
    digest = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
    return f"{name[:KEPT_OF_LONGER_NAME]}_{digest[:4]}"
