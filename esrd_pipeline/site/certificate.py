"""A facility's score in the QIP on one page, in plain words, in English and Spanish.

Centers show their score to their patients (Social Security Act 1881(h)(6)(C)). This page
tells it from stored scores; it is not the certificate that CMS issues.
"""

from collections import defaultdict
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from markupsafe import Markup

from esrd_pipeline.parameters.measure_texts import LANGUAGES, Language, find_measure_text
from esrd_pipeline.parameters.patient_texts import load_patient_texts
from esrd_pipeline.reports.rounding import write_rounded
from esrd_pipeline.site import writing
from esrd_pipeline.site.data import Row, SiteData
from esrd_pipeline.site.formats import NOTHING, is_missing

FOLDERS: dict[Language, str] = {"en": "certificates/", "es": "certificates/es/"}
NEAR = 0.5
"""A score this close to the nation's mean is said to be near it."""
_TOTAL = "total"
_LAST = 99
_ROW = Markup(
    '<tr><th scope="row">{} <span class="small">{}</span></th><td class="n"><strong>{}</strong>'
    '</td><td class="n">{}</td><td>{}</td></tr>\n'
)


@lru_cache(maxsize=1)
def find_means(data: SiteData) -> Mapping[str, float]:
    """Return the nation's mean score of each measure, and of the total as `total`."""
    scores: dict[str, list[int]] = defaultdict(list)
    for rows in data.measure_scores.values():
        for row in rows:
            if not is_missing(row["score"]):
                scores[row["measure"]].append(row["score"])
    for row in data.tps.values():
        if not is_missing(row["tps"]):
            scores[_TOTAL].append(row["tps"])
    return {name: sum(found) / len(found) for name, found in scores.items()}


def has_certificate(data: SiteData, ccn: str) -> bool:
    """Return whether the year has a total score of a facility, or scores of its measures."""
    tps = data.tps.get(ccn)
    return tps is not None and (not is_missing(tps["tps"]) or bool(data.measure_scores.get(ccn)))


def write_certificates(data: SiteData, folder: Path, ccn: str) -> None:
    """Write a facility's certificates; none if the year has no score of it."""
    if not has_certificate(data, ccn):
        return
    for language in LANGUAGES:
        page = f"{FOLDERS[language]}{ccn}.html"
        other = LANGUAGES[1 - LANGUAGES.index(language)]
        shown = describe_certificate(data, ccn, language)
        text = writing.render(
            "certificate.html", page, {**shown, "other": f"{FOLDERS[other]}{ccn}.html"}
        )
        writing.write_page(folder, page, text)


def list_certificates(folder: Path) -> list[tuple[str, int]]:
    """Return address and size of the certificates of a site."""
    return [
        (f"{place}{file.name}", file.stat().st_size)
        for place in FOLDERS.values()
        for file in sorted((folder / place).glob("*.html"))
    ]


def describe_certificate(data: SiteData, ccn: str, language: Language) -> dict[str, Any]:
    """Return what the template of a certificate shows."""
    t = load_patient_texts(language)
    tps = data.tps[ccn]
    means = find_means(data)
    scored = not is_missing(tps["tps"])
    return {
        "t": t,
        "language": language,
        "home": "patients/" if language == "en" else "patients/es/",
        "year": data.year,
        "tps": tps,
        "facility": data.facilities.get(ccn, {"ccn": ccn}),
        "ccn": ccn,
        "total": t["total_of"].format(tps=f"{tps['tps']:.0f}") if scored else t["total_none"],
        "mean": _write_mean(means.get(_TOTAL)),
        "minimum": NOTHING if is_missing(tps["minimum_tps"]) else f"{tps['minimum_tps']:.0f}",
        "cut": _write_cut(tps) or t["cut_none"],
        "verdict": _write_verdict(tps, t),
        "scores": [
            describe_score(row["measure"], row["score"], means.get(row["measure"]), language)
            for row in sorted(data.measure_scores.get(ccn, []), key=_order)
            if row["role"] == "measure"
        ],
    }


def _order(row: Row) -> tuple[int, str]:
    text = find_measure_text(row["measure"])
    return text.plain_order or _LAST, text.measure


def _write_cut(tps: Row) -> str | None:
    """Write the reduction; None where there is none, or the year has no rules."""
    cut = tps["payment_reduction"]
    return None if is_missing(cut) or not cut else f"{cut:g}%"


def _write_verdict(tps: Row, t: Mapping[str, str]) -> str:
    """Say in words what the score means for the center's payments."""
    if is_missing(tps["tps"]):
        return t["unscored_text"]
    key = "cut_text" if tps["payment_reduction"] else "kept_text"
    return t[key].format(
        cut=f"{tps['payment_reduction'] or 0:g}", minimum=f"{tps['minimum_tps']:.0f}"
    )


@cache
def describe_score(
    measure: str, score: int | None, mean: float | None, language: Language
) -> Mapping[str, str]:
    """Return a measure's score beside the nation's mean, in words, and as a row of the table.

    Facilities share most rows, so each is made once.
    """
    t = load_patient_texts(language)
    if score is None or mean is None:
        word, shown = t["no_score"], NOTHING
    else:
        # Of the mean as it is printed: two of 9.5 on one page have the same word.
        gap = round(score - float(_write_mean(mean)), 1)
        word = t["about_mean" if abs(gap) <= NEAR else "above" if gap > 0 else "below"]
        shown = f"{score:.0f}"
    plain = find_measure_text(measure).plain[language]
    beside = _write_mean(mean)
    return {
        "name": plain.name,
        "score": shown,
        "mean": beside,
        "word": word,
        "html": _ROW.format(plain.name, plain.sentence, shown, beside, word),
    }


def _write_mean(mean: float | None) -> str:
    return NOTHING if mean is None else write_rounded(mean, 1)
