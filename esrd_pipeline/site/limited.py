"""What a site of one facility or one Network says of itself, and where its links may lead."""

import os
import re
from pathlib import Path

from esrd_pipeline.parameters.measure_texts import LANGUAGES, Language
from esrd_pipeline.parameters.patient_texts import load_patient_texts

_LINK = re.compile(r'<a\b[^>]*?\bhref="([^"#?]*)[^"]*"[^>]*>(.*?)</a>', re.DOTALL)
_MAIN = '<main id="main">\n'


def limit_pages(folder: Path, *, facility: str | None, network: str | None) -> None:
    """Make the pages of a limited site lead only to what is written, and say that it is limited.

    A link to a page that is not written becomes the name alone.
    """
    if facility is not None:
        name, of = "limited_facility", facility
    else:
        name, of = "limited_network", str(network)
    notices = {
        language: f'<p class="limited">{load_patient_texts(language)[name].format(of=of)}</p>\n'
        for language in LANGUAGES
    }
    for path in sorted(folder.rglob("*.html")):
        text = path.read_text(encoding="utf-8")
        language: Language = "es" if '<html lang="es">' in text else "en"
        limited = _cut_links(text, path).replace(_MAIN, _MAIN + notices[language], 1)
        path.write_text(limited, encoding="utf-8")


def _cut_links(text: str, page: Path) -> str:
    def keep(link: re.Match[str]) -> str:
        target = link[1]
        if not target or os.path.exists(page.parent / target):  # noqa: PTH110 - a tenth of the time
            return link[0]
        return link[2]

    return _LINK.sub(keep, text)
