"""How hard an English text is to read: the Flesch-Kincaid grade.

0.39 words per sentence + 11.8 syllables per word - 15.59 (Kincaid and others, 1975). Syllables are
counted as groups of vowels; a silent e at the end counts none, unless after an l; "ia" and "eo"
mostly count two.
"""

import re

_WORD = re.compile(r"[A-Za-z][A-Za-z'-]*")
_SENTENCE = re.compile(r"[.!?](?:\s|$)")
_VOWELS = re.compile(r"[aeiouy]+")
_TWO_VOWELS = re.compile(r"i[ao](?!n)|eo(?!p)")
_SILENT = re.compile(r"(?:[^laeiouy]e|[^td]ed|[^sxzhcg]es)$")


def count_syllables(word: str) -> int:
    """Return the syllables of a word, one at least."""
    small = re.sub(r"[^a-z]", "", word.lower())
    groups = len(_VOWELS.findall(small)) + len(_TWO_VOWELS.findall(small))
    if groups > 1 and _SILENT.search(small):
        groups -= 1
    return max(groups, 1)


def grade(text: str) -> float:
    """Return the school grade that a text asks for."""
    words = _WORD.findall(text)
    sentences = max(len(_SENTENCE.findall(text)), 1)
    syllables = sum(count_syllables(word) for word in words)
    return 0.39 * len(words) / sentences + 11.8 * syllables / len(words) - 15.59
