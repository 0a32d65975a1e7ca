"""What a facility's rows were adjusted for."""

import pyarrow.compute as pc

from esrd_pipeline.families.cohort import read_cohort
from esrd_pipeline.families.explanation import list_adjusters
from esrd_pipeline.families.fits import read_regression
from esrd_pipeline.families.recurrent_events import fit_measure
from esrd_pipeline_tests.families.recurrent_events_nation import SHR, make_cohort


def test_adjusters_are_those_of_the_facilitys_rows_that_are_not_0_with_their_coefficients() -> None:
    table, _ = make_cohort(facility_count=40)
    cohort = read_cohort(SHR, table)
    fit = fit_measure(SHR, 2024, cohort)
    ccn = str(cohort.ccns[3])
    found = list_adjusters(cohort, fit, ccn=ccn, row="interval")
    mine = table.filter(pc.field("ccn") == ccn).to_pandas()
    assert len(found) == int((mine[list(SHR.adjusters)] != 0).to_numpy().sum())
    first = mine.iloc[0]
    shown = found[
        (found["patient_id"] == first["patient_id"]) & (found["row"] == str(first["interval"]))
    ]
    assert shown.set_index("term")["value"].to_dict() == {
        name: first[name] for name in SHR.adjusters if first[name]
    }
    coefficients = read_regression(fit, stage=1)
    assert set(found["coefficient"]) <= set(coefficients.coefficients)
    unknown = list_adjusters(cohort.drop([]), fit, ccn="999999", row="interval")
    assert unknown.empty
