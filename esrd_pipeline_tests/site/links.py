"""Where the links of written pages lead."""

import re
from pathlib import Path

_LEADS = re.compile(r'(?:href|src)="([^"#]+)')


def find_dead_links(site: Path) -> list[str]:
    """Return each page with the address of a file that it leads to and that is not there."""
    return [
        f"{path.relative_to(site)} leads to {target}"
        for path in sorted(site.rglob("*.html"))
        for target in _LEADS.findall(path.read_text(encoding="utf-8"))
        if not (path.parent / target).is_file()
    ]
