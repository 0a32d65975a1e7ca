-- One row: a hospital stay of the year or the one before. Manual 2.13.11.
-- Readings: claims with the same patient, hospital and days count once; claims that overlap, begin
-- on the day another ends, or begin the day after a transfer (02, 05, 66) or an interim bill (30),
-- are one stay; a stay counts whether Medicare paid for it or not (2.13.11: "when a claim is
-- submitted"), like those of Medicare Advantage, which are never paid by claim.
WITH
beneficiary AS (
    SELECT bene_id, performance_year, patient_id
    FROM linkage.beneficiary
    WHERE performance_year BETWEEN $performance_year - 1 AND $performance_year
),

diagnosed AS (
    SELECT DISTINCT clm_id
    FROM history.covid_claim
    WHERE performance_year = $performance_year AND claim_type = '60'
),

claim AS (
    SELECT
        b.patient_id,
        c.clm_id,
        c.prvdr_num,
        coalesce(c.clm_admsn_dt, c.clm_from_dt) AS admit_date,
        c.clm_thru_dt AS last_date,
        c.ptnt_dschrg_stus_cd,
        c.prncpal_dgns_cd,
        coalesce(c.clm_mco_pd_sw, '0') = '1' AS is_managed_care,
        CASE WHEN d.clm_id IS NULL THEN 0 ELSE 1 END AS is_covid
    FROM raw.claim AS c
    JOIN beneficiary AS b ON b.bene_id = c.bene_id AND b.performance_year = c.performance_year
    LEFT JOIN diagnosed AS d ON d.clm_id = c.clm_id
    WHERE c.performance_year BETWEEN $performance_year - 1 AND $performance_year
        AND c.nch_clm_type_cd = '60'
),

ordered AS (
    SELECT
        *,
        max(last_date) OVER (
            PARTITION BY patient_id
            ORDER BY admit_date, last_date, clm_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS before_last,
        lag(ptnt_dschrg_stus_cd) OVER (
            PARTITION BY patient_id ORDER BY admit_date, last_date, clm_id
        ) AS before_status
    FROM claim
),

marked AS (
    SELECT
        *,
        CASE
            WHEN admit_date <= before_last
                OR (admit_date = before_last + 1 AND before_status IN ('02', '05', '30', '66'))
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
        max(CASE WHEN last_place = 1 THEN ptnt_dschrg_stus_cd END) AS discharge_status,
        max(CASE WHEN first_place = 1 THEN prncpal_dgns_cd END) AS principal_diagnosis,
        max(is_covid) AS is_covid,
        min(CASE WHEN is_managed_care THEN 1 ELSE 0 END) AS is_managed_care
    FROM placed
    GROUP BY patient_id, stay
),

earlier AS (
    SELECT DISTINCT patient_id
    FROM history.hospital_stay
    WHERE performance_year = $performance_year - 1
        AND is_index_covid
        AND admit_date < make_date($performance_year - 1, 1, 1)
),

covid AS (
    SELECT
        patient_id,
        min(admit_date) AS admit_date
    FROM stay
    WHERE is_covid = 1 AND admit_date >= DATE '2020-02-20'
    GROUP BY patient_id
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
    c.patient_id IS NOT NULL AND e.patient_id IS NULL AS is_index_covid,
    s.is_managed_care = 1 AS is_managed_care
FROM stay AS s
LEFT JOIN covid AS c ON c.patient_id = s.patient_id AND c.admit_date = s.admit_date
LEFT JOIN earlier AS e ON e.patient_id = s.patient_id
