"""The QIP's files by measure are read as one table, and its footnotes by what they meant."""

from pathlib import Path

import pytest

from esrd_pipeline.families.published_codes import Why, list_codes
from esrd_pipeline.families.published_reasons import name_codes
from esrd_pipeline.parameters.reasons import describe_reason
from esrd_pipeline.sources.errors import SourceError
from esrd_pipeline.sources.file_notes import FileNotes
from esrd_pipeline.sources.files import QIP_BY_MEASURE
from esrd_pipeline.sources.layout import load_layout
from esrd_pipeline.sources.qip_by_measure import read_qip_by_measure
from esrd_pipeline.sources.qip_footnotes import check_footnotes
from esrd_pipeline.tables import raw
from esrd_pipeline_tests.shared_files import CMS_PUBLIC, needs_cms_public
from esrd_pipeline_tests.sources.sample_files import cell_of, write_rows

YEAR = 2022


def write_parts(folder: Path, *sources: str, row_count: int = 3) -> dict[str, Path]:
    paths = {}
    for source in sources:
        layout = (
            *load_layout(raw.BY_MEASURE, YEAR),
            *load_layout(f"{raw.BY_MEASURE}.{source}", YEAR),
        )
        rows = [
            [column.header for column in layout],
            *([cell_of(column, row, YEAR) for column in layout] for row in range(row_count)),
        ]
        paths[f"{raw.BY_MEASURE}.{source}"] = write_rows(folder / f"{source.upper()}.csv", rows)
    return paths


def test_every_file_by_measure_has_a_layout() -> None:
    for source in QIP_BY_MEASURE:
        assert load_layout(source, YEAR), source


def test_the_files_are_one_table(tmp_path: Path) -> None:
    notes = FileNotes()
    paths = write_parts(tmp_path, "tps", "vat_topic", "medrec")
    frame = read_qip_by_measure(paths, YEAR, notes)
    assert frame.columns.tolist() == raw.QIP_COMPLETE.column_names
    assert frame["ccn"].tolist() == ["012300", "012301", "012302"]
    assert frame["total_performance_score"].tolist() == [2, 2, 2]
    assert frame["fistula_score"].tolist() == [2, 2, 2]
    assert frame["srr_score"].isna().all()
    assert "srr" in notes.files
    assert "no file of clinical_depression" in str(notes.as_warning())


def test_a_file_by_measure_without_the_totals_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"^MEDREC.csv: lies here without .* TPS.csv"):
        read_qip_by_measure(write_parts(tmp_path, "medrec"), YEAR)


def test_files_of_different_releases_are_refused(tmp_path: Path) -> None:
    paths = write_parts(tmp_path, "tps") | write_parts(tmp_path, "srr", row_count=2)
    with pytest.raises(SourceError) as caught:
        read_qip_by_measure(paths, YEAR)
    assert str(caught.value) == (
        "SRR.csv: 1 facilities are not both here and in TPS.csv, 012302 first: the files are of"
        " different releases"
    )


def test_footnote_11_means_what_the_years_list_says() -> None:
    (early, late) = (name_codes("11", year) for year in (2022, 2024))
    assert describe_reason(str(early)).startswith("no certification date or certified on or after")
    assert late == "footnote_11"
    assert list_codes("qip_complete", "srr", Why(str(early), float("nan"))) == ["11"]


def test_a_list_of_footnotes_with_another_meaning_is_told(tmp_path: Path) -> None:
    rows = [["Footnote", "Reason for No Score"], ["5", "Facility is on the moon"], ["99", "New"]]
    notes = FileNotes()
    check_footnotes(write_rows(tmp_path / "FOOTNOTES.csv", rows), 2024, notes)
    assert notes.meanings == ["footnote 5 ('Facility is on the moon')", "footnote 99 ('New')"]
    assert "another meaning" in str(notes.as_warning())


@needs_cms_public
@pytest.mark.parametrize(
    ("name", "year"), [("QIP_FOOTNOTES_PY2026.csv", 2024), ("py2024_qip/FOOTNOTES.csv", 2022)]
)
def test_the_real_lists_of_footnotes_are_known(name: str, year: int) -> None:
    notes = FileNotes()
    check_footnotes(CMS_PUBLIC / name, year, notes)
    assert notes.meanings == []
