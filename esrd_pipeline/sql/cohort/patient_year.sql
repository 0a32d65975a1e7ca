-- One row: one patient at one facility in the year by EQRS, in one measure of the QIP that counts
-- patients: the first rule that excludes the patient, or whether the measure is met. For infections
-- also a patient whom the facility billed for in-center hemodialysis but who is not there in EQRS.
-- Manual 2.9, 2.18.6, 2.22 to 2.24, 3.1.3, 3.1.5, Table 17.
-- Readings: days, and reports, of a month of an exception do not count (reading 95); a modality is
-- other if the last known one of the year at the facility is; any of a year's reports that meets
-- the rule is enough, and the answers of several are combined; a report without a day counts;
-- patients with earlier depression or bipolar disorder are reported under condition 5 and stay in;
-- an in-center patient (2.18.6) is one with such a month there by EQRS, or by a claim of the
-- facility.
WITH
rule AS (
    SELECT
        90 AS least_days,
        12 AS depression_age,
        18 AS adult_age,
        make_date($performance_year, 10, 31) AS depression_day,
        make_date($performance_year, 1, 1) AS first_day,
        make_date($performance_year, 12, 31) AS last_day
),

calendar AS (
    SELECT month, month_end FROM history.calendar_month WHERE performance_year = $performance_year
),

exception AS (
    SELECT e.ccn, c.month, c.month_end
    FROM history.exception_month AS e
    JOIN calendar AS c ON c.month = e.month
    WHERE e.performance_year = $performance_year
),

-- 3.1.5, days need not be consecutive; Table 17.
stayed AS (
    SELECT
        patient_id,
        ccn,
        sum(date_diff('day', start_date, end_date) + 1) AS days
    FROM history.admitted
    WHERE performance_year = $performance_year AND program = 'qip'
    GROUP BY patient_id, ccn
),

excused AS (
    SELECT
        a.patient_id,
        a.ccn,
        sum(
            date_diff('day', greatest(a.start_date, e.month), least(a.end_date, e.month_end)) + 1
        ) AS days
    FROM history.admitted AS a
    JOIN exception AS e
        ON e.ccn = a.ccn AND e.month <= a.end_date AND e.month_end >= a.start_date
    WHERE a.performance_year = $performance_year AND a.program = 'qip'
    GROUP BY a.patient_id, a.ccn
),

ccn_period AS (
    SELECT facilityid, ccn, start_date, coalesce(end_date, DATE '9999-12-31') AS end_date
    FROM linkage.facility_ccn
    WHERE performance_year = $performance_year AND program = 'qip'
),

-- Reports of the year that are used, under the facility's CCN of their day.
depression AS (
    SELECT
        d.patient_id,
        s.ccn,
        max(CASE WHEN d.condition IN (1, 2, 4, 5) THEN 1 ELSE 0 END) AS is_reported
    FROM raw.eqrs_depression_screening AS d
    CROSS JOIN rule AS r
    JOIN ccn_period AS s
        ON s.facilityid = d.facilityid
        AND s.start_date <= coalesce(d.assessment_date, r.last_day)
        AND s.end_date >= coalesce(d.assessment_date, r.last_day)
    LEFT JOIN exception AS e
        ON e.ccn = s.ccn AND e.month <= d.assessment_date AND e.month_end >= d.assessment_date
    WHERE d.performance_year = $performance_year
        AND coalesce(d.assessment_date, r.last_day) BETWEEN r.first_day AND r.last_day
        AND e.ccn IS NULL
    GROUP BY d.patient_id, s.ccn
),

social AS (
    SELECT
        d.patient_id,
        s.ccn,
        max(CASE WHEN d.is_opted_out THEN 1 ELSE 0 END) AS is_opted_out,
        max(CASE WHEN d.is_unable THEN 1 ELSE 0 END) AS is_unable,
        max(CASE WHEN d.is_screened_food THEN 1 ELSE 0 END)
        + max(CASE WHEN d.is_screened_housing THEN 1 ELSE 0 END)
        + max(CASE WHEN d.is_screened_transportation THEN 1 ELSE 0 END)
        + max(CASE WHEN d.is_screened_utilities THEN 1 ELSE 0 END)
        + max(CASE WHEN d.is_screened_safety THEN 1 ELSE 0 END) AS needs_screened,
        max(CASE WHEN d.result_food IN ('yes', 'no') THEN 1 ELSE 0 END)
        + max(CASE WHEN d.result_housing IN ('yes', 'no') THEN 1 ELSE 0 END)
        + max(CASE WHEN d.result_transportation IN ('yes', 'no') THEN 1 ELSE 0 END)
        + max(CASE WHEN d.result_utilities IN ('yes', 'no') THEN 1 ELSE 0 END)
        + max(CASE WHEN d.result_safety IN ('yes', 'no') THEN 1 ELSE 0 END) AS needs_answered
    FROM raw.eqrs_social_screening AS d
    CROSS JOIN rule AS r
    JOIN ccn_period AS s
        ON s.facilityid = d.facilityid
        AND s.start_date <= coalesce(d.screening_date, r.last_day)
        AND s.end_date >= coalesce(d.screening_date, r.last_day)
    LEFT JOIN exception AS e
        ON e.ccn = s.ccn AND e.month <= d.screening_date AND e.month_end >= d.screening_date
    WHERE d.performance_year = $performance_year
        AND coalesce(d.screening_date, r.last_day) BETWEEN r.first_day AND r.last_day
        AND e.ccn IS NULL
    GROUP BY d.patient_id, s.ccn
),

cared AS (
    SELECT
        patient_id,
        ccn,
        arg_max(modality, month) FILTER (WHERE modality IS NOT NULL) AS last_modality,
        -- 2.18.6: of months in which the facility treated the patient, not another one.
        max(CASE WHEN modality = 'in-center hemodialysis' AND days > 0 THEN 1 ELSE 0 END)
            AS is_in_center
    FROM history.care_month
    WHERE performance_year = $performance_year AND program = 'qip'
    GROUP BY patient_id, ccn
),

billed AS (
    SELECT DISTINCT patient_id, ccn
    FROM history.claims_modality
    WHERE performance_year = $performance_year
        AND program = 'qip'
        AND modality = 'in-center hemodialysis'
),

present AS (
    SELECT patient_id, ccn, days, TRUE AS is_admitted
    FROM stayed
    UNION ALL
    SELECT b.patient_id, b.ccn, 0 AS days, FALSE AS is_admitted
    FROM billed AS b
    LEFT JOIN stayed AS s ON s.patient_id = b.patient_id AND s.ccn = b.ccn
    WHERE s.patient_id IS NULL
),

known AS (
    SELECT
        t.patient_id,
        t.ccn,
        t.is_admitted,
        t.days - coalesce(x.days, 0) AS days,
        p.date_of_birth,
        f.first_service_date,
        c.last_modality,
        coalesce(c.is_in_center, 0) = 1 OR b.patient_id IS NOT NULL AS is_in_center,
        coalesce(d.is_reported, 0) AS is_depression_reported,
        coalesce(o.is_opted_out, 0) = 1 AS is_opted_out,
        coalesce(o.is_unable, 0) = 1 AS is_unable,
        coalesce(o.needs_screened, 0) AS needs_screened,
        coalesce(o.needs_answered, 0) AS needs_answered
    FROM present AS t
    JOIN linkage.patient AS p
        ON p.patient_id = t.patient_id AND p.performance_year = $performance_year
    LEFT JOIN linkage.first_service AS f
        ON f.program = 'qip'
        AND f.patient_id = t.patient_id
        AND f.performance_year = $performance_year
    LEFT JOIN excused AS x ON x.patient_id = t.patient_id AND x.ccn = t.ccn
    LEFT JOIN cared AS c ON c.patient_id = t.patient_id AND c.ccn = t.ccn
    LEFT JOIN billed AS b ON b.patient_id = t.patient_id AND b.ccn = t.ccn
    LEFT JOIN depression AS d ON d.patient_id = t.patient_id AND d.ccn = t.ccn
    LEFT JOIN social AS o ON o.patient_id = t.patient_id AND o.ccn = t.ccn
),

shared AS (
    SELECT
        k.*,
        CASE WHEN k.days < r.least_days THEN 'under_90_days_at_facility' END
            AS stay_reason,
        CASE
            WHEN k.first_service_date IS NULL OR k.first_service_date > r.last_day
                THEN 'not_on_esrd_treatment'
        END AS esrd_reason,
        CASE
            WHEN k.date_of_birth IS NULL THEN 'date_of_birth_unknown'
            WHEN k.date_of_birth + INTERVAL 12 YEAR > r.depression_day THEN 'under_12_years'
        END AS child_reason,
        CASE
            WHEN k.date_of_birth IS NULL THEN 'date_of_birth_unknown'
            WHEN k.date_of_birth + INTERVAL 18 YEAR > r.first_day THEN 'under_18_years'
        END AS adult_reason,
        CASE
            WHEN k.needs_screened = 5 THEN NULL
            WHEN k.is_opted_out THEN 'opted_out_of_screening'
            WHEN k.is_unable THEN 'unable_to_complete_screening'
        END AS willing_reason
    FROM known AS k
    CROSS JOIN rule AS r
),

judged AS (
    SELECT
        patient_id,
        ccn,
        days,
        'clinical_depression' AS measure,
        coalesce(
            child_reason,
            stay_reason,
            esrd_reason,
            CASE WHEN last_modality = 'other' THEN 'other_modality' END
        ) AS reason,
        is_depression_reported AS is_met
    FROM shared
    WHERE is_admitted
    UNION ALL
    SELECT
        patient_id,
        ccn,
        days,
        'sdoh_screening',
        coalesce(adult_reason, stay_reason, esrd_reason, willing_reason),
        CASE WHEN needs_screened = 5 THEN 1 ELSE 0 END
    FROM shared
    WHERE is_admitted
    UNION ALL
    SELECT
        patient_id,
        ccn,
        days,
        'sdoh_positive',
        coalesce(
            adult_reason,
            stay_reason,
            esrd_reason,
            willing_reason,
            CASE WHEN needs_screened < 5 THEN 'not_screened_for_all_needs' END
        ),
        CASE WHEN needs_answered = 5 THEN 1 ELSE 0 END
    FROM shared
    WHERE is_admitted
    UNION ALL
    SELECT patient_id, ccn, days, 'health_equity', coalesce(stay_reason, esrd_reason), 1
    FROM shared
    WHERE is_admitted
    UNION ALL
    SELECT
        patient_id,
        ccn,
        days,
        'nhsn_bsi',
        coalesce(
            esrd_reason, CASE WHEN NOT is_in_center THEN 'not_on_in_center_hemodialysis' END
        ),
        1
    FROM shared
)

SELECT
    'qip' AS program,
    measure,
    ccn,
    patient_id,
    $performance_year AS performance_year,
    days,
    reason,
    CASE WHEN reason IS NULL THEN 1 ELSE 0 END AS denominator,
    CASE WHEN reason IS NULL THEN is_met ELSE 0 END AS numerator
FROM judged
