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

-- Days in nursing homes in the year before: what the year itself brings would not divide fairly
-- those who die in it.
home AS (
    SELECT
        f.patient_id,
        f.of_year,
        sum(
            datediff(
                'day',
                greatest(n.start_date, make_date(f.of_year - 1, 1, 1)),
                least(n.end_date, make_date(f.of_year - 1, 12, 31))
            )
            + 1
        ) AS days
    FROM of_year AS f
    JOIN history.nursing_home AS n
        ON n.patient_id = f.patient_id
        AND n.start_date <= make_date(f.of_year - 1, 12, 31)
        AND n.end_date >= make_date(f.of_year - 1, 1, 1)
        AND n.performance_year = $performance_year
    GROUP BY f.patient_id, f.of_year
),

-- A, B or C: in the first month of the year in Medicare, a state pays the premium of a part.
enrolled AS (
    SELECT
        b.patient_id,
        e.performance_year AS of_year,
        max(
            regexp_extract(
                concat_ws(
                    '',
                    e.mdcr_entlmt_buyin_ind_01, e.mdcr_entlmt_buyin_ind_02,
                    e.mdcr_entlmt_buyin_ind_03, e.mdcr_entlmt_buyin_ind_04,
                    e.mdcr_entlmt_buyin_ind_05, e.mdcr_entlmt_buyin_ind_06,
                    e.mdcr_entlmt_buyin_ind_07, e.mdcr_entlmt_buyin_ind_08,
                    e.mdcr_entlmt_buyin_ind_09, e.mdcr_entlmt_buyin_ind_10,
                    e.mdcr_entlmt_buyin_ind_11, e.mdcr_entlmt_buyin_ind_12
                ),
                '[1-3A-C]'
            )
        ) AS first_month,
        max(regexp_extract(e.zip_cd, '^[0-9]{5}')) AS zip_code
    FROM raw.medicare_enrollment AS e
    JOIN linkage.beneficiary AS b
        ON b.bene_id = e.bene_id AND b.performance_year = $performance_year
    WHERE e.performance_year BETWEEN $performance_year - 3 AND $performance_year
    GROUP BY b.patient_id, e.performance_year
),

person AS (
    SELECT
        p.patient_id,
        p.sex,
        p.race,
        year(p.date_of_birth) AS birth_year,
        c.race_class,
        c.is_hispanic,
        c.is_ethnicity_unknown,
        regexp_extract(q.zip_code, '^[0-9]{5}') AS zip_code
    FROM linkage.patient AS p
    LEFT JOIN history.patient_characteristics AS c
        ON c.patient_id = p.patient_id AND c.performance_year = $performance_year
    LEFT JOIN raw.eqrs_patient AS q
        ON q.patient_id = p.patient_id AND q.performance_year = $performance_year
    WHERE p.performance_year = $performance_year
),

rural AS (
    SELECT z.zip_code, c.rurality
    FROM raw.ruca_zip AS z
    LEFT JOIN parameter.ruca_class AS c ON CAST(c.ruca1 AS INTEGER) = z.ruca1
    WHERE z.performance_year = $performance_year
),

-- Places of no people rank -999, which no quartile holds.
vulnerable AS (
    SELECT z.fips AS zip_code, c.social_vulnerability
    FROM raw.svi_zcta AS z
    LEFT JOIN parameter.svi_class AS c
        ON z.rpl_themes > CAST(c.above AS DOUBLE) AND z.rpl_themes <= CAST(c.up_to AS DOUBLE)
    WHERE z.performance_year = $performance_year
),

given AS (
    SELECT
        (SELECT count(*) FROM rural) > 0 AS has_rural,
        (SELECT count(*) FROM vulnerable) > 0 AS has_vulnerable
),

placed AS (
    SELECT
        k.program,
        k.measure,
        k.kind,
        k.observed,
        k.expected,
        CASE
            WHEN k.of_year - p.birth_year < 18 THEN '0-17'
            WHEN k.of_year - p.birth_year < 45 THEN '18-44'
            WHEN k.of_year - p.birth_year < 65 THEN '45-64'
            WHEN k.of_year - p.birth_year < 75 THEN '65-74'
            WHEN k.of_year - p.birth_year >= 75 THEN '75 and over'
            ELSE 'unknown'
        END AS age,
        CASE p.sex WHEN 'F' THEN 'female' WHEN 'M' THEN 'male' ELSE 'unknown' END AS sex,
        CASE WHEN p.race IS NULL THEN 'unknown' ELSE coalesce(p.race_class, 'unknown') END AS race,
        CASE
            WHEN p.is_hispanic IS NULL OR p.is_ethnicity_unknown THEN 'unknown'
            WHEN p.is_hispanic THEN 'hispanic'
            ELSE 'not hispanic'
        END AS ethnicity,
        CASE
            WHEN e.first_month >= 'A' THEN 'state pays a premium'
            WHEN e.first_month >= '1' THEN 'state pays no premium'
            WHEN e.first_month = '' THEN 'not in Medicare'
            ELSE 'unknown'
        END AS dual_eligibility,
        CASE
            WHEN p.patient_id IS NULL THEN 'unknown'
            WHEN h.days >= 90 THEN '90 days and more'
            WHEN h.days > 0 THEN '1-89 days'
            ELSE 'none'
        END AS nursing_home,
        coalesce(r.rurality, CASE WHEN g.has_rural THEN 'unknown' END) AS rurality,
        coalesce(v.social_vulnerability, CASE WHEN g.has_vulnerable THEN 'unknown' END)
            AS social_vulnerability
    FROM counted AS k
    LEFT JOIN person AS p ON p.patient_id = k.patient_id
    LEFT JOIN enrolled AS e ON e.patient_id = k.patient_id AND e.of_year = k.of_year
    LEFT JOIN home AS h ON h.patient_id = k.patient_id AND h.of_year = k.of_year
    LEFT JOIN rural AS r
        ON r.zip_code = coalesce(nullif(e.zip_code, ''), p.zip_code)
    LEFT JOIN vulnerable AS v
        ON v.zip_code = coalesce(nullif(e.zip_code, ''), p.zip_code)
    CROSS JOIN given AS g
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
