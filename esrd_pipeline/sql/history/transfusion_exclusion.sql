-- One row: a segment of one patient's days within a year of a claim with a condition that STrR
-- excludes. Manual 2.12.9, Figures 13 and 14; conditions: transfusion_exclusion.csv. Claims of any
-- kind: inpatient, skilled nursing, home health, hospice, outpatient, physician and supplier.
-- Readings: a segment begins with its claim, the claim's days included, and ends the day before
-- the anniversary of the claim's last day; overlapping or adjacent segments are joined; claims of
-- laboratories are not evidence of a condition (Table 7, footnote 2; history.laboratory_claim).
WITH
flagged AS (
    SELECT d.patient_id, d.from_date, d.last_date
    FROM shared.claim_diagnosis AS d
    -- The block first: three characters that a hash can join.
    JOIN parameter.transfusion_exclusion AS x
        ON substring(x.icd_10_prefix, 1, 3) = substring(d.code, 1, 3)
        AND x.icd_10_prefix = substring(d.code, 1, length(x.icd_10_prefix))
    WHERE NOT d.is_laboratory
    GROUP BY d.patient_id, d.from_date, d.last_date
),

part AS (
    SELECT
        patient_id,
        from_date AS start_date,
        max(CAST(last_date + INTERVAL 1 YEAR AS DATE) - 1) AS end_date
    FROM flagged
    GROUP BY patient_id, from_date
)

SELECT
    patient_id,
    start_date,
    end_date,
    $performance_year AS performance_year
FROM shared.joined_segments AS s
