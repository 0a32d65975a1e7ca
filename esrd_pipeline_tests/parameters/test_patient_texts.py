"""The words for patients and families: whole in both languages, and easy to read."""

import re

import pytest

from esrd_pipeline.parameters.measure_texts import (
    LANGUAGES,
    list_plain_texts,
    load_measure_texts,
)
from esrd_pipeline.parameters.patient_texts import load_patient_texts
from esrd_pipeline_tests.reading_level import count_syllables, grade

HIGHEST_GRADE = 9
HIGHEST_OF_A_SENTENCE = 11
"""A single sentence about children's hemodialysis has few words without long ones beside it."""


@pytest.mark.parametrize(
    ("word", "syllables"),
    [("kidney", 2), ("dialysis", 4), ("table", 2), ("needed", 2), ("home", 1), ("people", 2)],
)
def test_syllables_are_counted_as_spoken(word: str, syllables: int) -> None:
    assert count_syllables(word) == syllables


def test_the_grade_follows_its_formula() -> None:
    # 6 words, 1 sentence, 6 syllables: 0.39 * 6 + 11.8 * 1 - 15.59
    assert grade("The cat sat on the mat.") == pytest.approx(-1.45)


def test_officialese_is_told_from_plain_words() -> None:
    text = "Utilization of appropriate access modalities demonstrates facility performance."
    assert grade(text) > 15


def test_the_english_sentences_are_easy_to_read() -> None:
    sentences = [text for text in load_patient_texts("en").values() if text.endswith((".", "?"))]
    assert len(sentences) >= 45
    assert grade(" ".join(sentences)) <= HIGHEST_GRADE
    hard = {text: grade(text) for text in sentences if grade(text) > HIGHEST_GRADE}
    assert not hard


def test_the_sentences_about_measures_are_easy_to_read() -> None:
    sentences = [text.plain["en"].sentence for text in load_measure_texts().values()]
    assert grade(" ".join(sentences)) <= HIGHEST_GRADE
    assert max(map(grade, sentences)) <= HIGHEST_OF_A_SENTENCE


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_measure_has_a_name_and_one_sentence(language: str) -> None:
    for text in load_measure_texts().values():
        plain = text.plain[language]  # type: ignore[index]
        assert plain.name, text.measure
        assert re.fullmatch(r"[^.]*(?:\d\.\d[^.]*)*\.", plain.sentence), text.measure


def test_measures_for_patients_have_an_order() -> None:
    orders = [text.plain_order for text in list_plain_texts()]
    assert orders == list(range(1, len(orders) + 1))
    assert list_plain_texts()[0].measure == "smr"


def test_both_languages_say_the_same_numbers() -> None:
    english, spanish = load_patient_texts("en"), load_patient_texts("es")
    assert english.keys() == spanish.keys()
    for key, text in english.items():
        assert text, key
        assert spanish[key], key
        places = re.compile(r"\{\w+\}")
        assert sorted(places.findall(text)) == sorted(places.findall(spanish[key])), key
