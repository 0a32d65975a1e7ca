-- One row: a segment of one patient's days at one place of dialysis, from EQRS, claims or CMS-2728,
-- with the sources' own facility identifiers. A patient's segments do not overlap.
-- Manual 2.13.10, 2.14.10.3 (EQRS first, claims and CMS-2728 where EQRS has no place), 3.1.1.
-- Readings: the day of discharge is the last day there; of overlapping chronic admissions the one
-- that began last counts; an open admission is evidence that the patient is on dialysis; travel,
-- support of a transplant and admissions for acute kidney injury place a patient only where no
-- chronic admission does, the last from the first ESRD service on, which such an admission does not
-- set (reading 122; history.treatment begins there); a claim is evidence if Medicare paid for it
-- (reading 125) and it is not for acute kidney injury; four years of claims are read; where only
-- claims place a patient they do so for 365 days after the last. The modality is that of the claim
-- (3.1.1) or of CMS-2728, and unknown where neither has one.
WITH
rule AS (
    -- 2.13.10: lost to follow-up once a year has passed without evidence.
    SELECT 365 AS evidence_days, make_date($performance_year, 12, 31) AS last_day
),

-- Discharge reason Acute: not chronic dialysis (3.1.2). Travel, dialysis in support of a transplant
-- and acute kidney injury place the patient only on days when no chronic admission does.
admission AS (
    SELECT
        a.patient_id,
        a.facilityid,
        a.admit_date,
        CASE
            WHEN a.admit_reason IN ('Transient', 'Dialysis in Support of Transplant', 'Acute')
                THEN 0
            ELSE 1
        END AS is_chronic,
        CASE WHEN a.discharge_date <= r.last_day THEN a.discharge_reason END AS discharge_reason,
        -- 2.14.10.3: a record of continuing dialysis is extended.
        least(greatest(coalesce(a.discharge_date, r.last_day), a.admit_date), r.last_day)
            AS end_date,
        r.last_day
    FROM raw.eqrs_admission AS a
    CROSS JOIN rule AS r
    WHERE a.performance_year = $performance_year
        AND a.admit_date <= r.last_day
        AND coalesce(a.discharge_reason, 'none') <> 'Acute'
),

-- Withdrawal, recovery, transplant and death also end every admission that began before, or on the
-- same day (2.14.10.3: a record goes on "until the appearance of any evidence"; reading 297).
ended AS (
    SELECT
        *,
        least(
            end_date,
            coalesce(
                min(
                    CASE
                        WHEN is_chronic = 1
                            AND discharge_reason IN (
                                'Discontinue', 'Recover Function', 'Transplant', 'Death'
                            )
                            THEN end_date
                    END
                ) OVER (
                    PARTITION BY patient_id
                    ORDER BY admit_date
                    RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
                ),
                end_date
            )
        ) AS final_date
    FROM admission
),

boundary AS (
    SELECT patient_id, admit_date AS start_date FROM ended
    UNION
    SELECT patient_id, final_date + 1 AS start_date FROM ended WHERE final_date < last_day
),

segment AS (
    SELECT
        patient_id,
        start_date,
        lead(start_date) OVER (PARTITION BY patient_id ORDER BY start_date) - 1 AS end_date
    FROM boundary
),

-- Of several admissions on one day the chronic one that began last counts, of one day the one that
-- lasts longest and says why it ended; when it ends, an open one that began before counts again.
ranked AS (
    SELECT
        s.patient_id,
        s.start_date,
        coalesce(s.end_date, e.last_day) AS end_date,
        e.facilityid,
        e.is_chronic,
        e.admit_date,
        CASE WHEN coalesce(s.end_date, e.last_day) = e.end_date THEN e.discharge_reason END
            AS ended_by,
        row_number() OVER (
            PARTITION BY s.patient_id, s.start_date
            ORDER BY
                e.is_chronic DESC,
                e.admit_date DESC,
                e.final_date DESC,
                e.end_date,
                e.facilityid DESC
        ) AS place
    FROM segment AS s
    JOIN ended AS e
        ON e.patient_id = s.patient_id
        AND e.admit_date <= s.start_date
        AND e.final_date >= s.start_date
),

-- 3.1.1: dialysis in a nursing home is home dialysis.
prescription AS (
    SELECT
        patient_id,
        facilityid,
        start_date,
        end_date,
        CASE
            WHEN treatment_type = 'Hemodialysis' THEN 'hemodialysis'
            WHEN treatment_type IN ('CAPD', 'CCPD') THEN 'peritoneal'
        END AS modality,
        CASE WHEN setting = 'Dialysis Facility/Center' THEN 'in center' ELSE 'home' END AS setting
    FROM history.prescription
    WHERE performance_year = $performance_year
),

placed_by_eqrs AS (
    SELECT
        k.patient_id,
        'eqrs' AS source,
        greatest(k.start_date, coalesce(p.start_date, k.start_date)) AS start_date,
        least(k.end_date, coalesce(p.end_date, k.end_date)) AS end_date,
        k.facilityid,
        CAST(NULL AS VARCHAR) AS provider_number,
        p.modality,
        p.setting,
        k.is_chronic = 1
            AND greatest(k.start_date, coalesce(p.start_date, k.start_date)) = k.admit_date
            AS is_new,
        CASE WHEN least(k.end_date, coalesce(p.end_date, k.end_date)) = k.end_date THEN k.ended_by
        END AS ended_by
    FROM ranked AS k
    LEFT JOIN prescription AS p
        ON p.patient_id = k.patient_id
        AND p.facilityid = k.facilityid
        AND p.start_date <= k.end_date
        AND p.end_date >= k.start_date
    WHERE k.place = 1
),

linked AS (
    SELECT bene_id, patient_id
    FROM linkage.beneficiary
    WHERE performance_year = $performance_year
),

-- Condition code 84: dialysis for acute kidney injury.
acute_claim AS (
    SELECT DISTINCT clm_id, performance_year
    FROM raw.claim_condition
    WHERE performance_year BETWEEN $performance_year - 3 AND $performance_year
        AND clm_rlt_cond_cd = '84'
),

-- A year's files may hold claims that the next year's hold again; a later year knows.
dropped AS (
    SELECT DISTINCT claim_year, clm_id
    FROM linkage.dropped_claim
    WHERE performance_year BETWEEN $performance_year - 2 AND $performance_year
        AND source = 'institutional'
),

-- The same for both programs, and in both years with a claim's days.
claim_modality AS (
    SELECT DISTINCT clm_id, claim_year, modality
    FROM history.dialysis_claim
    WHERE performance_year BETWEEN $performance_year - 3 AND $performance_year
        AND program = 'dfc'
),

-- Paid dialysis claims of the four years that SMR uses (2.14.10.4), and the facility that CMS-2728
-- reports, as if it were a claim of one day.
report AS (
    SELECT DISTINCT
        l.patient_id,
        'claims' AS source,
        c.clm_from_dt AS start_date,
        c.clm_thru_dt AS end_date,
        CAST(NULL AS BIGINT) AS facilityid,
        c.prvdr_num AS provider_number,
        CASE
            WHEN t.modality IN ('in-center hemodialysis', 'home hemodialysis') THEN 'hemodialysis'
            WHEN t.modality = 'peritoneal dialysis' THEN 'peritoneal'
        END AS modality,
        CASE
            WHEN t.modality = 'in-center hemodialysis' THEN 'in center'
            WHEN t.modality IN ('home hemodialysis', 'peritoneal dialysis') THEN 'home'
        END AS setting
    FROM raw.claim AS c
    JOIN linked AS l ON l.bene_id = c.bene_id
    LEFT JOIN claim_modality AS t ON t.clm_id = c.clm_id AND t.claim_year = c.performance_year
    LEFT JOIN acute_claim AS a
        ON a.clm_id = c.clm_id AND a.performance_year = c.performance_year
    LEFT JOIN dropped AS x ON x.claim_year = c.performance_year AND x.clm_id = c.clm_id
    WHERE c.performance_year BETWEEN $performance_year - 3 AND $performance_year
        AND c.clm_fac_type_cd = '7'
        AND c.clm_srvc_clsfctn_type_cd = '2'
        AND c.clm_pmt_amt > 0
        AND coalesce(c.clm_mco_pd_sw, '0') <> '1'
        AND coalesce(c.clm_mdcr_non_pmt_rsn_cd, 'P') = 'P'
        AND c.clm_from_dt <= least(c.clm_thru_dt, make_date($performance_year, 12, 31))
        AND a.clm_id IS NULL
        AND x.clm_id IS NULL
    UNION ALL
    SELECT DISTINCT
        patient_id,
        'cms_2728' AS source,
        facility_start_date AS start_date,
        facility_start_date AS end_date,
        facilityid,
        CAST(NULL AS VARCHAR) AS provider_number,
        CASE
            WHEN treatment_type = 'Hemodialysis' THEN 'hemodialysis'
            WHEN treatment_type IN ('CAPD', 'CCPD') THEN 'peritoneal'
        END AS modality,
        CASE
            WHEN setting = 'Dialysis Facility/Center' THEN 'in center'
            WHEN setting IS NOT NULL THEN 'home'
        END AS setting
    FROM raw.cms_2728
    WHERE performance_year = $performance_year
        AND facilityid IS NOT NULL
        AND facility_start_date <= make_date($performance_year, 12, 31)
),

-- A claim that begins on a day for which EQRS has a place belongs to that place.
additional AS (
    SELECT r.*
    FROM report AS r
    LEFT JOIN placed_by_eqrs AS e
        ON e.patient_id = r.patient_id
        AND e.start_date <= r.start_date
        AND e.end_date >= r.start_date
    WHERE e.patient_id IS NULL
),

-- A claim within another one's days is travel, not a switch.
compared AS (
    SELECT
        *,
        max(end_date) OVER (
            PARTITION BY patient_id
            ORDER BY
                start_date, end_date DESC, source, provider_number, facilityid, modality, setting
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS reached
    FROM additional
),

together AS (
    SELECT *, end_date AS evidence_date FROM placed_by_eqrs
    UNION ALL
    SELECT
        patient_id,
        source,
        start_date,
        end_date,
        facilityid,
        provider_number,
        modality,
        setting,
        false AS is_new,
        CAST(NULL AS VARCHAR) AS ended_by,
        end_date AS evidence_date
    FROM compared
    WHERE reached IS NULL OR reached < end_date
),

-- 2.14.10.3: where only claims place the patient, they do so until other evidence, or for a year.
extended AS (
    SELECT
        t.*,
        least(
            CASE WHEN t.source = 'eqrs' THEN t.end_date ELSE t.end_date + r.evidence_days END,
            coalesce(
                lead(t.start_date) OVER (PARTITION BY t.patient_id ORDER BY t.start_date) - 1,
                r.last_day
            ),
            r.last_day
        ) AS final_date,
        r.evidence_days
    FROM together AS t
    CROSS JOIN rule AS r
),

marked AS (
    SELECT
        *,
        CASE
            WHEN source = lag(source) OVER days
                AND start_date = lag(final_date) OVER days + 1
                AND coalesce(facilityid, 0) = coalesce(lag(facilityid) OVER days, 0)
                AND coalesce(provider_number, '') = coalesce(lag(provider_number) OVER days, '')
                AND coalesce(modality, '') = coalesce(lag(modality) OVER days, '')
                AND coalesce(setting, '') = coalesce(lag(setting) OVER days, '')
                AND lag(ended_by) OVER days IS NULL
                AND NOT is_new
                THEN 0
            ELSE 1
        END AS begins
    FROM extended
    WINDOW days AS (PARTITION BY patient_id ORDER BY start_date)
),

numbered AS (
    SELECT
        *,
        sum(begins) OVER (
            PARTITION BY patient_id ORDER BY start_date ROWS UNBOUNDED PRECEDING
        ) AS segment_number
    FROM marked
)

SELECT
    patient_id,
    min(start_date) AS start_date,
    max(final_date) AS end_date,
    $performance_year AS performance_year,
    source,
    facilityid,
    provider_number,
    modality,
    setting,
    max(CASE WHEN is_new THEN 1 ELSE 0 END) = 1 AS is_new,
    CASE
        WHEN source = 'eqrs' THEN max(ended_by)
        WHEN max(final_date) = max(evidence_date) + max(evidence_days)
            THEN 'a year without evidence'
    END AS ended_by
FROM numbered
GROUP BY patient_id, segment_number, source, facilityid, provider_number, modality, setting
