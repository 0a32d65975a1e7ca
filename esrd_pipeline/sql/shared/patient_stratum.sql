-- One row: a patient of `of_year` (patient_id, of_year) with their stratum in each dimension.
-- Manual 2.13.13; readings 193, 194, 197, 198. A dimension of which the year has no file is null.
WITH
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
)

SELECT
    y.patient_id,
    y.of_year,
    CASE
        WHEN y.of_year - p.birth_year < 18 THEN '0-17'
        WHEN y.of_year - p.birth_year < 45 THEN '18-44'
        WHEN y.of_year - p.birth_year < 65 THEN '45-64'
        WHEN y.of_year - p.birth_year < 75 THEN '65-74'
        WHEN y.of_year - p.birth_year >= 75 THEN '75 and over'
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
FROM of_year AS y
LEFT JOIN person AS p ON p.patient_id = y.patient_id
LEFT JOIN enrolled AS e ON e.patient_id = y.patient_id AND e.of_year = y.of_year
LEFT JOIN home AS h ON h.patient_id = y.patient_id AND h.of_year = y.of_year
LEFT JOIN rural AS r ON r.zip_code = coalesce(nullif(e.zip_code, ''), p.zip_code)
LEFT JOIN vulnerable AS v ON v.zip_code = coalesce(nullif(e.zip_code, ''), p.zip_code)
CROSS JOIN given AS g
