-- One row: a segment of one patient's days in nursing homes, adjacent stays joined. Manual 2.13.13,
-- 2.26.12; reading 17. The MDS is a register: the days of patients who died in an earlier year of a
-- measure of several years are here too.
WITH
part AS (
    SELECT
        b.patient_id,
        m.entry_date AS start_date,
        least(
            coalesce(m.discharge_date, make_date($performance_year, 12, 31)),
            make_date($performance_year, 12, 31)
        ) AS end_date
    FROM raw.mds_stay AS m
    JOIN linkage.beneficiary AS b
        ON b.bene_id = m.bene_id AND b.performance_year = $performance_year
    WHERE m.performance_year = $performance_year
        AND m.entry_date <= make_date($performance_year, 12, 31)
        AND m.entry_date <= coalesce(m.discharge_date, m.entry_date)
)

SELECT
    patient_id,
    start_date,
    end_date,
    $performance_year AS performance_year
FROM shared.joined_segments AS s
