"""What a facility's page says of lower reductions: chances, and dollars with their label."""

from pathlib import Path

from esrd_pipeline.site.build import build_site
from esrd_pipeline.tables import what_if
from esrd_pipeline_tests.site.small import YEAR, fill
from esrd_pipeline_tests.site.tracing import Page, trace
from esrd_pipeline_tests.site.whole import FAR, NEAR, make_data, make_frames


def test_dollars_stand_beside_the_chances_with_what_they_leave_out(tmp_path: Path) -> None:
    """Of the other facility, whose 9 patients are few, neither treatments nor dollars are shown."""
    frames = make_frames()
    frames[what_if.REDUCTION_CHANCE.name, YEAR] = fill(
        what_if.REDUCTION_CHANCE,
        *(
            {
                "ccn": ccn,
                "payment_reduction": percent,
                "payment_year": YEAR + 2,
                "chance": 0.25,
                "months": 12,
                "draw_count": 1000,
                "seed": 1,
            }
            for ccn in (NEAR, FAR)
            for percent in (0.0, 2.0)
        ),
    )
    frames[what_if.REDUCTION_DOLLARS.name, YEAR] = fill(
        what_if.REDUCTION_DOLLARS,
        *(
            {
                "ccn": ccn,
                "payment_reduction": percent,
                "payment_year": YEAR + 2,
                "patients": patients,
                "treatments": patients * 150,
                "base_rate": 281.71,
                "rate_year": 2026,
                "dollars": patients * 150 * 281.71 * percent / 100,
            }
            for ccn, patients in ((NEAR, 70), (FAR, 9))
            for percent in (0.0, 2.0)
        ),
    )
    site = tmp_path / "site"
    build_site(make_data(frames), site, workers=1)
    text = (site / "facilities" / f"{NEAR}.html").read_text(encoding="utf-8")
    traced = trace(text, frames, YEAR)
    assert traced.wrong == []
    assert traced.columns.count("report.reduction_dollars.dollars") == 2
    # 10,500 treatments x 281.71 x 2 percent.
    words = " ".join(piece for _, piece in Page(text).pieces)
    for part in ("59,159", "10,500", "281.71", "upper-level estimate", "are left out"):
        assert part in words
    few = (site / "facilities" / f"{FAR}.html").read_text(encoding="utf-8")
    assert "How likely each reduction is" in few
    for part in ("Dollars", "1,350", "7,606", "281.71"):
        assert part not in few
