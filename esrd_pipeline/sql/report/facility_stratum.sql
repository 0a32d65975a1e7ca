-- One row: the patients of one stratum at one facility: those of whom a day of the year counts for
-- it. Manual 2.13.10; readings 193, 194, 197 and 198. A patient of two facilities counts in each.
WITH
treated AS (
    SELECT DISTINCT ccn, patient_id
    FROM history.attribution
    WHERE performance_year = $performance_year
        AND rule = 'standard'
        AND program = 'qip'
        AND ccn IS NOT NULL
        AND start_date <= make_date($performance_year, 12, 31)
        AND end_date >= make_date($performance_year, 1, 1)
),

of_year AS (
    SELECT DISTINCT
        patient_id,
        $performance_year AS of_year
    FROM treated
),

placed AS (
    SELECT t.ccn, 'all' AS everybody, s.*
    FROM treated AS t
    JOIN shared.patient_stratum AS s ON s.patient_id = t.patient_id
)

SELECT
    ccn,
    dimension,
    stratum,
    $performance_year AS performance_year,
    count(*) AS patients
FROM placed
UNPIVOT (
    stratum FOR dimension IN (
        everybody AS 'all', age, sex, race, ethnicity, dual_eligibility, nursing_home,
        rurality, social_vulnerability
    )
)
GROUP BY ccn, dimension, stratum
