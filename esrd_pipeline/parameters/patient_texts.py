"""The fixed sentences of the pages for patients and families, in English and Spanish."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from esrd_pipeline.parameters.measure_texts import Language
from esrd_pipeline.parameters.rows import load_rows


@cache
def load_patient_texts(language: Language) -> Mapping[str, str]:
    """Return the sentences of one language by their key; some have places for {numbers}."""
    return MappingProxyType({row["key"]: row[language] for row in load_rows("patient_text")})
