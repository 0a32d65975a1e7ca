-- One row: a hospital stay that begins in the year or the one before. Manual 2.13.11.
-- Readings: claims with the same patient, hospital and days count once; claims that overlap, begin
-- on the day another ends, or begin the day after a transfer or an interim bill
-- (transfer_discharge_status.csv) are one stay; a stay counts whether Medicare paid for it or not
-- (2.13.11: "when a claim is submitted"), like those of Medicare Advantage, which are never paid by
-- claim. A stay that holds the first claim with COVID-19 is the index one, whatever care it is
-- joined with; its clock starts on the discharge date of that claim, and where it is an interim
-- bill on that of the hospital's bill that ends it (reading 147).
WITH
diagnosed AS (
    SELECT DISTINCT clm_id
    FROM history.covid_claim
    WHERE performance_year = $performance_year AND claim_type = '60'
),

claim AS (
    SELECT
        k.patient_id,
        k.clm_id,
        c.prvdr_num,
        k.admit_date,
        k.last_date,
        c.ptnt_dschrg_stus_cd AS discharge_status,
        c.prncpal_dgns_cd,
        k.is_managed_care,
        CASE WHEN d.clm_id IS NULL THEN 0 ELSE 1 END AS is_covid
    FROM linkage.claim AS k
    JOIN raw.claim AS c ON c.clm_id = k.clm_id AND c.performance_year = k.claim_year
    LEFT JOIN diagnosed AS d ON d.clm_id = k.clm_id
    WHERE k.performance_year = $performance_year
        AND k.claim_type = '60'
        AND c.performance_year BETWEEN $performance_year - 1 AND $performance_year
),

ordered AS (
    SELECT
        *,
        max(last_date) OVER (
            PARTITION BY patient_id
            ORDER BY admit_date, last_date, clm_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS before_last,
        -- The claim before is the one that ended last, not the row before.
        max(CASE WHEN t.ptnt_dschrg_stus_cd IS NOT NULL THEN last_date END) OVER (
            PARTITION BY patient_id
            ORDER BY admit_date, last_date, clm_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS before_transfer
    FROM claim AS c
    LEFT JOIN parameter.transfer_discharge_status AS t
        ON t.ptnt_dschrg_stus_cd = c.discharge_status
),

marked AS (
    SELECT
        *,
        CASE
            WHEN admit_date <= before_last
                OR (admit_date = before_last + 1 AND before_transfer = before_last)
                THEN 0
            ELSE 1
        END AS is_new
    FROM ordered
),

numbered AS (
    SELECT
        *,
        sum(is_new) OVER (
            PARTITION BY patient_id
            ORDER BY admit_date, last_date, clm_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS stay
    FROM marked
),

placed AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY patient_id, stay ORDER BY admit_date, last_date, clm_id
        ) AS first_place,
        row_number() OVER (
            PARTITION BY patient_id, stay ORDER BY last_date DESC, admit_date DESC, clm_id DESC
        ) AS last_place
    FROM numbered
),

stay AS (
    SELECT
        patient_id,
        stay,
        min(admit_date) AS admit_date,
        max(last_date) AS discharge_date,
        count(*) AS claim_count,
        max(CASE WHEN first_place = 1 THEN prvdr_num END) AS hospital,
        max(CASE WHEN last_place = 1 THEN discharge_status END) AS discharge_status,
        max(CASE WHEN first_place = 1 THEN prncpal_dgns_cd END) AS principal_diagnosis,
        max(is_covid) AS is_covid,
        min(CASE WHEN is_managed_care THEN 1 ELSE 0 END) AS is_managed_care
    FROM placed
    GROUP BY patient_id, stay
),

-- The first claim of a stay with COVID-19, and the bills of the same hospital that follow it.
covid_place AS (
    SELECT
        patient_id,
        stay,
        coalesce(prvdr_num, '') AS hospital,
        last_date,
        discharge_status,
        row_number() OVER (
            PARTITION BY patient_id, stay ORDER BY admit_date, last_date, clm_id
        ) AS place
    FROM placed
    WHERE is_covid = 1
),

covid_discharge AS (
    SELECT
        c.patient_id,
        c.stay,
        CASE
            WHEN coalesce(c.discharge_status, '') <> '30' THEN c.last_date
            ELSE
                coalesce(
                    min(CASE WHEN coalesce(p.discharge_status, '') <> '30' THEN p.last_date END),
                    max(p.last_date),
                    c.last_date
                )
        END AS covid_discharge_date
    FROM covid_place AS c
    LEFT JOIN placed AS p
        ON p.patient_id = c.patient_id
        AND p.stay = c.stay
        AND coalesce(p.prvdr_num, '') = c.hospital
        AND p.last_date > c.last_date
    WHERE c.place = 1
    GROUP BY c.patient_id, c.stay, c.discharge_status, c.last_date
),

first_covid AS (
    SELECT patient_id, admit_date
    FROM history.first_covid_admission
    WHERE performance_year = $performance_year
)

SELECT
    s.patient_id,
    s.admit_date,
    s.discharge_date,
    $performance_year AS performance_year,
    s.claim_count,
    s.hospital,
    s.discharge_status,
    s.principal_diagnosis,
    s.is_covid = 1 AS is_covid,
    c.patient_id IS NOT NULL AS is_index_covid,
    d.covid_discharge_date,
    s.is_managed_care = 1 AS is_managed_care
FROM stay AS s
LEFT JOIN first_covid AS c
    ON c.patient_id = s.patient_id
    AND c.admit_date BETWEEN s.admit_date AND s.discharge_date
    AND s.is_covid = 1
LEFT JOIN covid_discharge AS d ON d.patient_id = s.patient_id AND d.stay = s.stay
WHERE s.admit_date <= make_date($performance_year, 12, 31)
