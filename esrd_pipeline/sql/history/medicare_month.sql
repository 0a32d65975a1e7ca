-- One row: a month of one patient. Manual 2.2.14, 2.12.11, 2.13.10.1, 2.14.10.4, 2.25.11; reading
-- 23.
-- Readings. A claim counts if Medicare paid for it: more than nothing, by no managed care
-- organisation, and without a reason of non-payment other than P, "payment requested" (reading
-- 125). An inpatient or SNF claim is one "during" every month of its days (reading 126); a dialysis
-- claim is paid in the month of its last day. Claims for acute kidney injury (condition code 84)
-- are not dialysis of ESRD (reading 122).
WITH
beneficiary AS (
    SELECT bene_id, patient_id
    FROM linkage.beneficiary
    WHERE performance_year = $performance_year
),

claim AS (
    SELECT
        k.patient_id,
        k.clm_id,
        k.claim_year,
        make_date(year(k.last_date), month(k.last_date), 1) AS month,
        make_date(year(k.from_date), month(k.from_date), 1) AS first_month,
        CASE
            WHEN c.clm_fac_type_cd = '7'
                AND c.clm_srvc_clsfctn_type_cd = '2'
                AND coalesce(c.clm_mdcr_non_pmt_rsn_cd, 'P') = 'P'
                AND NOT k.is_managed_care
                THEN CAST(c.clm_pmt_amt AS DECIMAL(12, 2))
            ELSE 0
        END AS paid,
        CASE
            WHEN k.claim_type IN ('20', '30', '60')
                AND coalesce(c.clm_pmt_amt > 0, true)
                AND coalesce(c.clm_mdcr_non_pmt_rsn_cd, 'P') = 'P'
                AND NOT k.is_managed_care
                THEN 1
            ELSE 0
        END AS is_inpatient
    FROM linkage.claim AS k
    JOIN raw.claim AS c ON c.clm_id = k.clm_id AND c.performance_year = k.claim_year
    WHERE k.performance_year = $performance_year
        AND k.source = 'institutional'
        AND k.last_date >= make_date($performance_year - 1, 1, 1)
        AND k.from_date <= make_date($performance_year, 12, 31)
        AND c.performance_year BETWEEN $performance_year - 1 AND $performance_year
        AND (
            k.claim_type IN ('20', '30', '60')
            OR (c.clm_fac_type_cd = '7' AND c.clm_srvc_clsfctn_type_cd = '2')
        )
),

calendar AS (
    SELECT CAST(date_part('month', month) AS INTEGER) AS n
    FROM history.calendar_month
    WHERE performance_year = $performance_year
),

two_years AS (
    SELECT make_date($performance_year, n, 1) AS month FROM calendar
    UNION ALL
    SELECT make_date($performance_year - 1, n, 1) AS month FROM calendar
),

reported AS (
    SELECT c.patient_id, c.month, c.paid, 0 AS is_inpatient
    FROM claim AS c
    LEFT JOIN shared.acute_claim AS a
        ON a.clm_id = c.clm_id AND a.performance_year = c.claim_year
    WHERE a.clm_id IS NULL AND c.month <= make_date($performance_year, 12, 1)
    UNION ALL
    SELECT c.patient_id, m.month, 0 AS paid, 1 AS is_inpatient
    FROM claim AS c
    JOIN two_years AS m ON m.month BETWEEN c.first_month AND c.month
    WHERE c.is_inpatient = 1
),

billed AS (
    SELECT
        patient_id,
        month,
        sum(paid) AS paid,
        max(is_inpatient) AS has_inpatient
    FROM reported
    GROUP BY patient_id, month
),

enrolled AS (
    SELECT
        b.patient_id,
        make_date(e.performance_year, t.n, 1) AS month,
        max(
            CASE
                WHEN CASE t.n
                    WHEN 1 THEN hmo_ind_01
                    WHEN 2 THEN hmo_ind_02
                    WHEN 3 THEN hmo_ind_03
                    WHEN 4 THEN hmo_ind_04
                    WHEN 5 THEN hmo_ind_05
                    WHEN 6 THEN hmo_ind_06
                    WHEN 7 THEN hmo_ind_07
                    WHEN 8 THEN hmo_ind_08
                    WHEN 9 THEN hmo_ind_09
                    WHEN 10 THEN hmo_ind_10
                    WHEN 11 THEN hmo_ind_11
                    ELSE hmo_ind_12
                END IN ('1', '2', 'A', 'B', 'C') THEN 1
                ELSE 0
            END
        ) AS is_ma
    FROM raw.medicare_enrollment AS e
    JOIN beneficiary AS b ON b.bene_id = e.bene_id
    CROSS JOIN calendar AS t
    WHERE e.performance_year BETWEEN $performance_year - 1 AND $performance_year
    GROUP BY b.patient_id, e.performance_year, t.n
),

-- January and February of the year before are also covered by the two months before them.
meets AS (
    SELECT patient_id, month
    FROM billed
    WHERE paid >= 1200 OR has_inpatient = 1
    UNION
    SELECT coalesce(p.patient_id, m.patient_id) AS patient_id, m.month
    FROM history.medicare_month AS m
    LEFT JOIN linkage.earlier_patient AS p
        ON p.earlier_patient_id = m.patient_id AND p.performance_year = $performance_year
    WHERE m.performance_year = $performance_year - 1
        AND m.month BETWEEN make_date($performance_year - 2, 11, 1)
            AND make_date($performance_year - 2, 12, 1)
        AND (m.dialysis_paid >= 1200 OR m.has_inpatient)
),

covering AS (
    SELECT patient_id, month
    FROM meets
    UNION
    SELECT
        patient_id,
        month + INTERVAL 1 MONTH
    FROM meets
    UNION
    SELECT
        patient_id,
        month + INTERVAL 2 MONTH
    FROM meets
),

covered AS (
    SELECT DISTINCT
        patient_id,
        CAST(month AS DATE) AS month
    FROM covering
    WHERE month BETWEEN make_date($performance_year - 1, 1, 1)
        AND make_date($performance_year, 12, 1)
)

SELECT
    coalesce(e.patient_id, b.patient_id, c.patient_id) AS patient_id,
    coalesce(e.month, b.month, c.month) AS month,
    $performance_year AS performance_year,
    b.paid AS dialysis_paid,
    coalesce(b.has_inpatient, 0) = 1 AS has_inpatient,
    coalesce(e.is_ma, 0) = 1 AS is_ma,
    c.patient_id IS NOT NULL AS is_covered,
    c.patient_id IS NOT NULL OR coalesce(e.is_ma, 0) = 1 AS is_observable
FROM enrolled AS e
FULL JOIN billed AS b ON b.patient_id = e.patient_id AND b.month = e.month
FULL JOIN covered AS c
    ON c.patient_id = coalesce(e.patient_id, b.patient_id)
    AND c.month = coalesce(e.month, b.month)
