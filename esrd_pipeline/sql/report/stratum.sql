-- One row: the patients of one stratum in one measure of a program: how many, events observed and
-- expected by the measure's fit, or numerators and denominators of a percentage. Manual 2.1 to
-- 2.16, 2.19, 2.23 to 2.27.
-- A patient is in one stratum of a dimension, by the year of the events (SMR), the year in which
-- follow-up began (SWR, SMoSR), else the performance year: age reached in that year, days in
-- nursing homes in the year before it, whether a state paid a Medicare premium in its first month
-- in Medicare (readings 197, 198), the ZIP code of that year, which is rural or urban (reading 193)
-- and more or less vulnerable (reading 194). A patient of several years of a measure counts in each.
-- What is not known is a stratum; where the year has no file of ZIP codes, the dimension has no row.
-- The whole of a measure are its facilities' sums, and strata add up to it: the table is not stored
-- otherwise. Percentages are not adjusted. Expected events are added up as decimals: sums of them do
-- not depend on the order of rows.
WITH
modelled AS (
    SELECT 'smr' AS measure, * FROM cohort.smr_expected WHERE performance_year = $performance_year
    UNION ALL BY NAME
    SELECT 'swr' AS measure, * FROM cohort.swr_expected WHERE performance_year = $performance_year
    UNION ALL BY NAME
    SELECT 'smosr' AS measure, * FROM cohort.smosr_expected WHERE performance_year = $performance_year
    UNION ALL BY NAME
    SELECT 'shr' AS measure, * FROM cohort.shr_expected WHERE performance_year = $performance_year
    UNION ALL BY NAME
    SELECT 'strr' AS measure, * FROM cohort.strr_expected WHERE performance_year = $performance_year
    UNION ALL BY NAME
    SELECT 'sedr' AS measure, * FROM cohort.sedr_expected WHERE performance_year = $performance_year
    UNION ALL BY NAME
    SELECT 'srr' AS measure, * FROM cohort.srr_expected WHERE performance_year = $performance_year
    UNION ALL BY NAME
    SELECT 'ed30' AS measure, * FROM cohort.ed30_expected WHERE performance_year = $performance_year
),

percentage AS (
    SELECT program, measure, patient_id, numerator, denominator
    FROM cohort.monthly
    WHERE performance_year = $performance_year
    UNION ALL
    SELECT program, measure, patient_id, numerator, denominator
    FROM cohort.patient_year
    WHERE performance_year = $performance_year
        AND denominator > 0
        AND measure IN ('clinical_depression', 'sdoh_screening', 'sdoh_positive')
    UNION ALL
    SELECT program, 'sfr', patient_id, is_event, 1
    FROM cohort.sfr
    WHERE performance_year = $performance_year AND reason IS NULL
    UNION ALL
    SELECT program, 'pppw', patient_id, is_event, 1
    FROM cohort.pppw
    WHERE performance_year = $performance_year AND reason IS NULL
),

-- Rows of SMR are days of a year, of SWR and SMoSR the days from when follow-up began; rows of
-- the others have no first day.
counted AS (
    SELECT
        program,
        measure,
        'ratio' AS kind,
        patient_id,
        coalesce(min(year(start_date)), $performance_year) AS of_year,
        sum(observed) AS observed,
        sum(CAST(expected AS DECIMAL(38, 18))) AS expected
    FROM modelled
    GROUP BY program, measure, patient_id, CASE WHEN measure = 'smr' THEN year(start_date) END
    UNION ALL
    SELECT
        program,
        measure,
        'percentage' AS kind,
        patient_id,
        $performance_year AS of_year,
        sum(numerator) AS observed,
        CAST(sum(denominator) AS DECIMAL(38, 18)) AS expected
    FROM percentage
    GROUP BY program, measure, patient_id
),

facility_row AS (
    SELECT * FROM facility.smr WHERE performance_year = $performance_year
    UNION ALL BY NAME
    SELECT * FROM facility.swr WHERE performance_year = $performance_year
    UNION ALL BY NAME
    SELECT * FROM facility.smosr WHERE performance_year = $performance_year
    UNION ALL BY NAME
    SELECT * FROM facility.shr WHERE performance_year = $performance_year
    UNION ALL BY NAME
    SELECT * FROM facility.strr WHERE performance_year = $performance_year
    UNION ALL BY NAME
    SELECT * FROM facility.sedr WHERE performance_year = $performance_year
    UNION ALL BY NAME
    SELECT * FROM facility.srr WHERE performance_year = $performance_year
    UNION ALL BY NAME
    SELECT * FROM facility.ed30 WHERE performance_year = $performance_year
    UNION ALL BY NAME
    SELECT * FROM facility.sfr WHERE performance_year = $performance_year
    UNION ALL BY NAME
    SELECT * FROM facility.monthly WHERE performance_year = $performance_year
    UNION ALL BY NAME
    SELECT * FROM facility.reporting WHERE performance_year = $performance_year
    UNION ALL BY NAME
    -- The QIP's rows hold values times the nation's months, not months.
    SELECT * FROM facility.pppw WHERE performance_year = $performance_year AND program = 'dfc'
),

whole AS (
    SELECT
        program,
        measure,
        sum(numerator) AS facilities_observed,
        CAST(sum(CAST(denominator AS DECIMAL(38, 18))) AS DOUBLE) AS facilities_expected
    FROM facility_row
    GROUP BY program, measure
),

of_year AS (
    SELECT DISTINCT patient_id, of_year
    FROM counted
),

placed AS (
    SELECT k.program, k.measure, k.kind, k.observed, k.expected, s.*
    FROM counted AS k
    JOIN shared.patient_stratum AS s ON s.patient_id = k.patient_id AND s.of_year = k.of_year
),

-- Small enough to be added up once for each dimension.
combination AS (
    SELECT
        program,
        measure,
        kind,
        'all' AS everybody,
        age,
        sex,
        race,
        ethnicity,
        dual_eligibility,
        nursing_home,
        rurality,
        social_vulnerability,
        count(*) AS patients,
        sum(observed) AS observed,
        sum(expected) AS expected
    FROM placed
    GROUP BY ALL
),

-- A dimension that is null everywhere, for want of its file, is left out.
stratum AS (
    SELECT
        program,
        measure,
        kind,
        dimension,
        stratum,
        sum(patients) AS patients,
        sum(observed) AS observed,
        CAST(sum(expected) AS DOUBLE) AS expected
    FROM combination
    UNPIVOT (
        stratum FOR dimension IN (
            everybody AS 'all', age, sex, race, ethnicity, dual_eligibility, nursing_home,
            rurality, social_vulnerability
        )
    )
    GROUP BY ALL
)

SELECT
    s.program,
    s.measure,
    s.dimension,
    s.stratum,
    $performance_year AS performance_year,
    s.patients,
    s.observed,
    s.expected,
    s.kind,
    CASE
        WHEN s.expected > 0
            THEN CASE s.kind WHEN 'ratio' THEN 1.0 ELSE 100.0 END * s.observed / s.expected
    END AS value,
    w.facilities_observed,
    w.facilities_expected
FROM stratum AS s
LEFT JOIN whole AS w
    ON w.program = s.program AND w.measure = s.measure AND s.dimension = 'all'
