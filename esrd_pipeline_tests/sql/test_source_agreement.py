"""What EQRS, claims and NHSN know of a facility's month, patient by patient."""

from collections.abc import Sequence

from esrd_pipeline_tests.sql.worked import Case, Row, Worked, case, day, worked

MARCH = day("2024-03-01")
PERIOD = {"start_date": day("2024-01-01"), "end_date": day("2024-12-31")}


def in_eqrs(patient: int, start: str = "2024-03-01", end: str = "2024-03-31") -> Row:
    return {
        "program": "dfc",
        "patient_id": patient,
        "ccn": "A",
        "start_date": day(start),
        "end_date": day(end),
    }


def billed(patient: int, clm_id: int, **other: object) -> Row:
    return {
        "program": "dfc",
        "clm_id": clm_id,
        "claim_year": 2024,
        "patient_id": patient,
        "ccn": "A",
        "from_date": MARCH,
        "thru_date": day("2024-03-31"),
        "month": MARCH,
        **other,
    }


def clinic(patient: int, **other: object) -> Row:
    return {"program": "dfc", "patient_id": patient, "month": MARCH, "ccn": "A", **other}


def covered(*patients: int, month: str = "2024-03-01", is_ma: bool = False) -> list[Row]:
    return [
        {"patient_id": patient, "month": day(month), "is_covered": True, "is_ma": is_ma}
        for patient in patients
    ]


def treated(patient: int, start: str, end: str, ccn: str = "A") -> Row:
    return {
        "program": "dfc",
        "patient_id": patient,
        "start_date": day(start),
        "end_date": day(end),
        "ccn": ccn,
    }


COUNTS = ("eqrs", "claims", "both", "equal", "eqrs_only", "claims_only", "not_expected")


def compare(kind: str, **tables: Sequence[Row]) -> Case:
    """Rows of one kind, by facility and month: the counts in the order of COUNTS."""
    given = {name.replace("__", ".", 1): rows for name, rows in tables.items()}
    return case("history.source_event", "report.source_agreement", tables=given, alone=True).read(
        lambda rows: {
            (row["ccn"], row["month"].month): tuple(row[f"{name}_count"] for name in COUNTS)
            for row in rows[rows["kind"] == kind].to_dict("records")
        }
    )


@worked
def test_patients_are_in_both_in_one_or_not_expected_in_claims() -> Worked:
    rows = yield compare(
        "patients",
        # 1 in both, 2 covered but not billed, 3 not covered, 4 of Medicare Advantage.
        history__admitted=[in_eqrs(patient) for patient in (1, 2, 3, 4)],
        # 5 is billed and not admitted; of the QIP's claims none is counted again.
        history__dialysis_claim=[
            billed(1, 11),
            billed(1, 12),
            billed(5, 13),
            billed(1, 11, program="qip"),
        ],
        history__medicare_month=[*covered(1, 2, 5), *covered(4, is_ma=True)],
    )
    assert rows == {("A", 3): (4, 2, 1, 1, 1, 1, 2)}


@worked
def test_an_admission_is_of_every_month_it_has_a_day_in() -> Worked:
    rows = yield compare("patients", history__admitted=[in_eqrs(1, "2024-01-31", "2024-03-01")])
    assert sorted(rows) == [("A", 1), ("A", 2), ("A", 3)]


@worked
def test_sessions_agree_if_they_are_as_many() -> Worked:
    reported = [clinic(1, sessions_delivered=13), clinic(2, sessions_delivered=12), clinic(3)]
    made = [
        {"program": "dfc", "patient_id": patient, "month": MARCH, "ccn": "A", "sessions": number}
        for patient, number in ((1, 13), (2, 11), (3, 9))
    ]
    given = {"history__clinical_month": reported, "history__claims_modality": made}
    rows, amounts = yield (
        compare("sessions", **given),
        case(
            *("history.source_event", "report.source_agreement"),
            tables={name.replace("__", "."): table for name, table in given.items()},
            alone=True,
        ).read(lambda rows: rows.loc[rows["kind"] == "sessions", ["eqrs_amount", "claims_amount"]]),
    )
    assert rows == {("A", 3): (2, 3, 2, 1, 0, 1, 0)}
    # Of the two whose sessions both tell: 13 + 12 and 13 + 11.
    assert amounts.to_numpy().tolist() == [[25, 24]]


@worked
def test_ktv_agrees_to_the_two_decimals_of_a_claim() -> Worked:
    rows = yield compare(
        "ktv",
        history__clinical_month=[
            clinic(1, hd_ktv=1.4449),
            clinic(2, hd_ktv=1.44),
            clinic(3, pd_ktv=1.9),
            clinic(4, hd_ktv=1.3),
        ],
        history__dialysis_claim=[
            billed(1, 11, ktv_value=1.44),
            billed(2, 12, ktv_value=1.45),
            # The last one counts; 9.99 is "not reported".
            billed(3, 13, ktv_value=2.4, thru_date=day("2024-03-15")),
            billed(3, 14, ktv_value=1.9),
            billed(4, 15, ktv_value=9.99),
        ],
        history__medicare_month=covered(1, 2, 3, 4),
    )
    assert rows == {("A", 3): (4, 3, 3, 2, 1, 0, 0)}


@worked
def test_an_access_is_compared_by_its_class() -> Worked:
    def line(clm_id: int, modifier: str, number: int = 1, on: str = "2024-03-20") -> Row:
        return {
            "clm_id": clm_id,
            "clm_line_num": number,
            "rev_cntr": "0821",
            "rev_cntr_dt": day(on),
            "hcpcs_1st_mdfr_cd": modifier,
        }

    rows = yield compare(
        "vascular_access",
        history__clinical_month=[
            clinic(1, access_type="AVFONLY"),
            clinic(2, access_type="AV Fistula Combined with a Catheter"),
            clinic(3, access_type="AV Graft Only"),
            clinic(4, access_type="OTHERUNKNOWN"),
        ],
        history__dialysis_claim=[billed(patient, 10 + patient) for patient in (1, 2, 3, 4)],
        raw__claim_revenue=[
            line(11, "V5", on="2024-03-02"),
            line(11, "V7", 2),
            line(12, "V5"),
            line(13, "V7"),
            line(14, "V5"),
            line(14, "JE", 2),
        ],
    )
    # 1 began with a catheter and ended with the fistula; 3 is a graft in one, a fistula in the
    # other; of 4 EQRS knows nothing.
    assert rows == {("A", 3): (3, 4, 3, 2, 0, 1, 0)}


@worked
def test_the_day_goes_before_the_line_however_high_its_number() -> Worked:
    def line(number: int, modifier: str, on: str) -> Row:
        return {
            "clm_id": 11,
            "clm_line_num": number,
            "rev_cntr": "0821",
            "rev_cntr_dt": day(on),
            "hcpcs_1st_mdfr_cd": modifier,
        }

    rows = yield compare(
        "vascular_access",
        history__clinical_month=[clinic(1, access_type="AVFONLY")],
        history__dialysis_claim=[billed(1, 11)],
        raw__claim_revenue=[line(1, "V7", "2024-03-20"), line(300_000, "V5", "2024-03-02")],
    )
    assert rows == {("A", 3): (1, 1, 1, 1, 0, 0, 0)}


@worked
def test_a_source_goes_before_another_however_far_off_its_day_is() -> Worked:
    (row,) = yield case(
        "history.source_event",
        tables={
            "linkage.death": [{"program": "dfc", "patient_id": 1, "death_date": day("2024-03-05")}],
            "linkage.beneficiary": [{"bene_id": 901, "patient_id": 1}],
            # A form with a day that is none, and a discharge by death.
            "raw.cms_2746": [{"patient_id": 1, "death_date": day("2924-03-05")}],
            "raw.eqrs_admission": [
                {
                    "patient_id": 1,
                    "facilityid": 1,
                    "admit_date": day("2023-01-01"),
                    "discharge_date": day("2024-03-05"),
                    "discharge_reason": "Death",
                }
            ],
            "raw.medicare_enrollment": [{"bene_id": 901, "bene_death_dt": day("2024-03-05")}],
        },
    ).read(lambda found: found.to_dict("records"))
    assert not row["is_equal"]


@worked
def test_a_death_is_of_the_facility_that_treated_last_and_sources_may_differ_by_a_day() -> Worked:
    def death(patient: int, on: str) -> Row:
        return {"program": "dfc", "patient_id": patient, "death_date": day(on)}

    def enrolled(patient: int, died: str | None) -> Row:
        return {"bene_id": 900 + patient, "bene_death_dt": day(died) if died else None}

    rows = yield compare(
        "deaths",
        linkage__death=[
            death(1, "2024-03-05"),
            death(2, "2024-03-06"),
            death(3, "2024-05-01"),
            death(4, "2024-03-09"),
            death(5, "2024-12-30"),
        ],
        linkage__beneficiary=[
            {"bene_id": 900 + patient, "patient_id": patient} for patient in (1, 2, 3)
        ],
        raw__cms_2746=[
            {"patient_id": 1, "death_date": day("2024-03-05")},
            {"patient_id": 2, "death_date": day("2024-03-06")},
            {"patient_id": 4, "death_date": day("2024-03-09")},
        ],
        # 2: enrollment is a day off. 3: EQRS does not know; 4 is no beneficiary.
        raw__medicare_enrollment=[
            enrolled(1, "2024-03-05"),
            enrolled(2, "2024-03-07"),
            enrolled(3, "2024-05-01"),
        ],
        history__treatment=[
            treated(1, "2020-01-01", "2023-12-31", "B"),
            treated(1, "2024-01-01", "2024-03-05"),
            treated(2, "2024-01-01", "2024-03-06"),
            # Left 60 days before.
            treated(3, "2020-01-01", "2024-03-02"),
            treated(4, "2024-01-01", "2024-03-09"),
            # Nobody treated 5 in the 60 days before.
            treated(5, "2020-01-01", "2024-10-30"),
        ],
    )
    assert rows == {("A", 3): (3, 2, 2, 1, 0, 0, 1), ("A", 5): (0, 1, 0, 0, 0, 1, 0)}


@worked
def test_a_transplant_is_looked_for_within_thirty_days() -> Worked:
    def transplant(patient: int, on: str, source: str) -> Row:
        return {
            "program": "dfc",
            "patient_id": patient,
            "transplant_date": day(on),
            "source": source,
        }

    def discharged(patient: int, on: str) -> Row:
        return {
            "patient_id": patient,
            "facilityid": 1,
            "admit_date": day("2023-01-01"),
            "discharge_date": day(on),
            "discharge_reason": "Transplant",
        }

    rows = yield compare(
        "transplants",
        linkage__transplant=[
            transplant(1, "2024-03-10", "optn"),
            transplant(2, "2024-03-11", "optn"),
            transplant(3, "2024-03-12", "optn"),
        ],
        raw__eqrs_admission=[discharged(1, "2024-03-10"), discharged(2, "2024-04-15")],
        linkage__claim=[
            {
                "source": "institutional",
                "clm_id": 1,
                "claim_year": 2024,
                "claim_type": "60",
                "patient_id": 1,
                "admit_date": day("2024-03-09"),
                "last_date": day("2024-03-15"),
            }
        ],
        raw__claim=[{"clm_id": 1, "icd_prcdr_cd2": "0TY00Z0"}],
        history__treatment=[treated(patient, "2023-01-01", "2024-03-09") for patient in (1, 2, 3)],
    )
    # EQRS's report of 2 is 35 days later; only OPTN knows of 2 and 3.
    assert rows == {("A", 3): (1, 1, 1, 1, 0, 0, 0)}


@worked
def test_a_first_service_is_of_the_first_facility() -> Worked:
    def first(patient: int, on: str, **other: str) -> Row:
        dates = {name: day(text) for name, text in other.items()}
        return {
            "program": "dfc",
            "patient_id": patient,
            "first_service_date": day(on),
            **dates,
        }

    rows = yield compare(
        "first_services",
        linkage__first_service=[
            first(1, "2024-03-02", medical_evidence_date="2024-03-05", claims_date="2024-03-02"),
            first(2, "2024-03-03", eqrs_date="2024-04-10", claims_date="2024-03-03"),
            first(3, "2024-03-04", eqrs_date="2024-03-04"),
            first(4, "2023-12-31", eqrs_date="2023-12-31"),
        ],
        history__medicare_month=covered(1, 2),
        history__treatment=[
            treated(1, "2024-03-02", "2024-03-20"),
            treated(1, "2024-03-21", "2024-12-31", "B"),
            treated(2, "2024-03-03", "2024-12-31"),
            treated(3, "2024-03-10", "2024-12-31"),
            treated(4, "2024-01-01", "2024-12-31"),
        ],
    )
    # 38 days apart, 2 does not agree; nothing is expected of claims for 3.
    assert rows == {("A", 3): (3, 2, 2, 1, 0, 0, 1)}


@worked
def test_nhsn_tells_whether_a_facility_reported_where_its_quarter_does() -> Worked:
    def quarter(number: int, months: int) -> Row:
        return {"ccn": "A", "quarter": number, "months_reported": months}

    rows = yield case(
        *("history.source_event", "report.source_agreement"),
        tables={
            "history.clinical_month": [clinic(1)],
            "raw.nhsn_bloodstream_infection": [quarter(1, 3), quarter(2, 2), quarter(3, 0)],
        },
        alone=True,
    ).read(
        lambda rows: {
            row["month"].month: (row["unit"], row["eqrs_count"], row["third_count"])
            for row in rows[rows["kind"] == "reporting"].fillna(-1).to_dict("records")
        }
    )
    assert rows[3] == ("facilities", 1, 1)
    assert rows[1] == ("facilities", 0, 1)
    assert rows[5] == ("facilities", 0, -1)
    assert rows[8] == ("facilities", 0, 0)
    assert 10 not in rows
