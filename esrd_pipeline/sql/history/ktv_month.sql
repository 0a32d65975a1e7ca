-- One row: a month of the year of one patient at the facility of a program that treated the patient
-- on every day of it, with modality, sessions a week and the Kt/V that counts.
-- Manual 2.3.12 to 2.6.12, 3.1.4, Table 17 (exceptions, QIP only); readings 18, 19.
-- Readings: EQRS values are taken from any facility, claims from any (DFC) or from the patient's
-- own (QIP); a Kt/V without a day on a claim has not expired. Reading 86: one dated after its
-- claim's month (in center) or last day is not of the claim. Reading 87: a peritoneal Kt/V found in
-- EQRS for the month goes before one on the month's claims, and this before EQRS's of the months
-- before. Reading 287: a Kt/V of a day on hemodialysis is no peritoneal one.
WITH
rule AS (
    SELECT
        91 AS esrd_days,
        18 AS adult_age,
        CAST(5.0 AS DOUBLE) AS most_hd,
        CAST(8.5 AS DOUBLE) AS most_pd,
        CAST(8.88 AS DOUBLE) AS frequent_ktv,
        -- 2.4.7, 2.6.7: months of the study period, including the reporting month.
        4 AS adult_months,
        6 AS child_months
),

-- 3.4: reports for a month of an exception are not used.
exception AS (
    SELECT ccn, month FROM history.exception_month WHERE performance_year = $performance_year
),

claim AS (
    SELECT
        d.program,
        d.clm_id,
        d.patient_id,
        d.ccn,
        d.month,
        d.thru_date,
        d.modality,
        d.ktv_value,
        d.ktv_date,
        d.frequency,
        d.modality IN ('in-center hemodialysis', 'home hemodialysis') AS is_hemodialysis,
        d.modality IN ('peritoneal dialysis', 'other peritoneal dialysis') AS is_peritoneal,
        -- Reading 90: the first day counts in DFC; the QIP takes the duration between the two.
        date_diff('day', f.first_service_date, d.from_date)
        + CASE WHEN d.program = 'dfc' THEN 1 ELSE 0 END AS esrd_day,
        shared.completed_years(p.date_of_birth, d.from_date) AS age
    FROM history.dialysis_claim AS d
    JOIN linkage.patient AS p
        ON p.patient_id = d.patient_id AND p.performance_year = $performance_year
    JOIN linkage.first_service AS f
        ON f.program = d.program
        AND f.patient_id = d.patient_id
        AND f.performance_year = $performance_year
    LEFT JOIN exception AS e
        ON d.program = 'qip'
        AND e.ccn = d.ccn
        AND e.month = d.month
    WHERE d.performance_year = $performance_year AND e.ccn IS NULL
),

-- Facilities numbered in the order of their CCNs: the last report of a day is found by a whole
-- number.
facility AS (
    SELECT ccn, row_number() OVER (ORDER BY ccn) AS place
    FROM (SELECT DISTINCT ccn FROM linkage.facility_ccn WHERE performance_year = $performance_year)
),

aged AS (
    SELECT *
    FROM history.month_modality
    WHERE performance_year = $performance_year
),

reported AS (
    SELECT
        c.program,
        c.patient_id,
        c.month,
        c.is_frequent,
        c.hd_ktv,
        date_diff('day', DATE '2000-01-01', c.hd_ktv_date) * 1000000 + f.place AS hd_order
    FROM history.clinical_month AS c
    JOIN facility AS f ON f.ccn = c.ccn
    LEFT JOIN exception AS e
        ON c.program = 'qip'
        AND e.ccn = c.ccn
        AND e.month = c.month
    WHERE c.performance_year = $performance_year AND e.ccn IS NULL
),

eqrs_month AS (
    SELECT
        program,
        patient_id,
        month,
        max(CASE WHEN is_frequent THEN 1 ELSE 0 END) AS is_frequent,
        arg_max(hd_ktv, hd_order) FILTER (WHERE hd_ktv IS NOT NULL) AS hd_ktv
    FROM reported
    WHERE month >= make_date($performance_year, 1, 1)
    GROUP BY program, patient_id, month
),

hemodialysed AS (
    SELECT program, patient_id, start_date, end_date
    FROM history.treatment
    WHERE performance_year = $performance_year
        AND state = 'dialysis'
        AND modality = 'hemodialysis'
        AND end_date >= make_date($performance_year - 1, 8, 1)
),

unit AS (
    SELECT facilityid, ccn, row_number() OVER (ORDER BY ccn, facilityid) AS place
    FROM (
        SELECT DISTINCT facilityid, ccn
        FROM linkage.facility_ccn
        WHERE performance_year = $performance_year
    )
),

peritoneal_patient AS (
    SELECT DISTINCT program, patient_id FROM aged WHERE modality = 'peritoneal dialysis'
),

-- All values of the study periods, not a month's last alone: one of hemodialysis, or dated after
-- the month, must not hide another. Of several of a day the one submitted last counts.
peritoneal_value AS (
    SELECT
        w.patient_id,
        c.facilityid,
        c.month,
        coalesce(c.ktv_date, c.month) AS ktv_date,
        c.ktv_date IS NOT NULL AS is_dated,
        c.ktv_value AS ktv,
        row_number() OVER (
            PARTITION BY w.patient_id, c.facilityid, c.month, coalesce(c.ktv_date, c.month)
            ORDER BY c.record_number DESC, m.earlier_patient_id DESC NULLS FIRST
        ) AS place
    FROM raw.eqrs_clinical_month AS c
    CROSS JOIN rule AS r
    LEFT JOIN linkage.earlier_patient AS m
        ON m.earlier_patient_id = c.patient_id AND m.performance_year = $performance_year
    JOIN (SELECT DISTINCT patient_id FROM peritoneal_patient) AS w
        ON w.patient_id = coalesce(m.patient_id, c.patient_id)
    WHERE c.performance_year BETWEEN $performance_year - 1 AND $performance_year
        AND c.month >= make_date($performance_year - 1, 8, 1)
        AND c.ktv_value <= r.most_pd
),

reported_peritoneal AS (
    SELECT
        w.program,
        v.patient_id,
        v.month,
        v.ktv_date,
        v.ktv,
        (
            date_diff('day', DATE '2000-01-01', v.ktv_date) * 10000
            + date_diff('month', DATE '2000-01-01', v.month)
        ) * 1000000
        + u.place AS ktv_order
    FROM peritoneal_patient AS w
    JOIN peritoneal_value AS v ON v.patient_id = w.patient_id AND v.place = 1
    JOIN shared.facility_number AS n
        ON n.program = w.program
        AND n.facilityid = v.facilityid
        AND n.start_date <= v.month
        AND n.end_date >= v.month
    JOIN unit AS u ON u.facilityid = n.facilityid AND u.ccn = n.ccn
    LEFT JOIN exception AS e
        ON w.program = 'qip'
        AND e.ccn = n.ccn
        AND e.month = v.month
    LEFT JOIN hemodialysed AS h
        ON h.program = w.program
        AND h.patient_id = v.patient_id
        AND v.is_dated
        AND v.ktv_date BETWEEN h.start_date AND h.end_date
    WHERE e.ccn IS NULL AND h.patient_id IS NULL
),

-- Reading 18: the last value of the month or of the three (adults) or five months before it.
-- Reading 87: what is reported for the month, or dated in it, was found in EQRS during the month.
eqrs_peritoneal AS (
    SELECT
        a.program,
        a.patient_id,
        a.month,
        a.ccn,
        arg_max(p.ktv, p.ktv_order) FILTER (WHERE p.month = a.month OR p.ktv_date >= a.month)
            AS month_ktv,
        arg_max(p.ktv, p.ktv_order) AS any_ktv
    FROM aged AS a
    CROSS JOIN rule AS r
    JOIN reported_peritoneal AS p
        ON p.program = a.program
        AND p.patient_id = a.patient_id
        AND p.ktv_date <= last_day(a.month)
        AND date_diff('month', p.ktv_date, a.month)
        < CASE WHEN a.age >= r.adult_age THEN r.adult_months ELSE r.child_months END
    WHERE a.modality = 'peritoneal dialysis'
    GROUP BY a.program, a.patient_id, a.month, a.ccn
),

-- Claims of the month of the patient's modality and age (2.3.12 to 2.6.12): ESRD for 91 days. Kt/V
-- on a claim expires with its month in center, after four months at home and of adults on
-- peritoneal dialysis, after six months of children on it.
eligible AS (
    SELECT
        a.program,
        a.patient_id,
        a.month,
        a.ccn,
        c.clm_id,
        c.thru_date,
        c.frequency,
        c.ktv_value,
        c.is_hemodialysis,
        coalesce(c.ccn = a.ccn, false) AS is_own,
        CASE
            WHEN c.is_peritoneal
                THEN c.ktv_value <= r.most_pd
                    AND coalesce(
                        CASE
                            WHEN c.age >= r.adult_age
                                THEN c.ktv_date >= c.thru_date - INTERVAL 4 MONTH
                            ELSE c.ktv_date >= c.thru_date - INTERVAL 6 MONTH
                        END,
                        true
                    )
            WHEN c.modality = 'home hemodialysis'
                THEN c.frequency = 'usual'
                    AND c.ktv_value <= r.most_hd
                    AND coalesce(c.ktv_date >= c.thru_date - INTERVAL 4 MONTH, true)
            -- Figure 3: measured within the reporting month.
            ELSE c.frequency = 'usual'
                AND c.ktv_value <= r.most_hd
                AND coalesce(c.ktv_date BETWEEN c.month AND last_day(c.month), true)
        END
        AND coalesce(c.ktv_date <= c.thru_date, true) AS is_usable
    FROM aged AS a
    CROSS JOIN rule AS r
    JOIN claim AS c
        ON c.program = a.program
        AND c.patient_id = a.patient_id
        AND c.month = a.month
        AND c.esrd_day >= r.esrd_days
        AND (c.age >= r.adult_age) = (a.age >= r.adult_age)
        AND (
            (a.modality = 'peritoneal dialysis' AND c.is_peritoneal)
            OR (
                a.modality IN (
                    'in-center hemodialysis',
                    'home hemodialysis',
                    'in-center and home hemodialysis'
                )
                AND c.is_hemodialysis
                AND (a.age >= r.adult_age OR c.modality = 'in-center hemodialysis')
            )
        )
),

-- Claims that end on one day: of two with a Kt/V the one with the higher number counts. Numbers of
-- claims fill 64 bits (sources/identifiers.py): no day can be put before them in one number.
claim_end AS (
    SELECT
        e.program,
        e.patient_id,
        e.month,
        e.ccn,
        e.thru_date,
        arg_max(e.ktv_value, e.clm_id)
            FILTER (WHERE e.is_usable AND (e.is_own OR e.program = 'dfc')) AS ktv,
        max(CASE WHEN e.ktv_value = r.frequent_ktv THEN 1 ELSE 0 END) AS has_frequent_ktv,
        max(CASE WHEN e.is_own AND e.is_hemodialysis THEN 1 ELSE 0 END) AS has_own,
        max(CASE WHEN e.is_own AND e.frequency = 'frequent' THEN 1 ELSE 0 END) AS has_frequent,
        max(CASE WHEN e.is_own AND e.frequency = 'infrequent' THEN 1 ELSE 0 END) AS has_infrequent
    FROM eligible AS e
    CROSS JOIN rule AS r
    GROUP BY e.program, e.patient_id, e.month, e.ccn, e.thru_date
),

claim_month AS (
    SELECT
        program,
        patient_id,
        month,
        ccn,
        arg_max(ktv, date_diff('day', month, thru_date)) FILTER (WHERE ktv IS NOT NULL) AS ktv,
        max(has_frequent_ktv) AS has_frequent_ktv,
        max(has_own) AS has_own,
        max(has_frequent) AS has_frequent,
        max(has_infrequent) AS has_infrequent
    FROM claim_end
    GROUP BY program, patient_id, month, ccn
)

SELECT
    a.program,
    a.patient_id,
    a.month,
    a.ccn,
    $performance_year AS performance_year,
    a.modality,
    a.modality_source,
    a.as_of_date,
    a.age,
    a.esrd_day,
    -- 3.1.4: EQRS of the own facility, EQRS of others, then claims.
    CASE
        WHEN q.is_frequent = 1 THEN 'frequent'
        WHEN a.frequency IS NOT NULL THEN a.frequency
        WHEN c.has_frequent_ktv = 1 OR c.has_frequent = 1 THEN 'frequent'
        WHEN c.has_infrequent = 1 THEN 'infrequent'
        WHEN c.has_own = 1 THEN 'usual'
    END AS frequency,
    CASE
        WHEN q.is_frequent = 1 THEN 'kt/v of 8.88'
        WHEN a.frequency IS NOT NULL THEN a.frequency_source
        WHEN c.has_frequent_ktv = 1 OR c.has_own = 1 THEN 'claims'
    END AS frequency_source,
    CASE
        WHEN a.modality = 'peritoneal dialysis' THEN coalesce(p.month_ktv, c.ktv, p.any_ktv)
        ELSE coalesce(q.hd_ktv, c.ktv)
    END AS ktv,
    CASE
        WHEN a.modality = 'peritoneal dialysis' AND p.month_ktv IS NOT NULL THEN 'eqrs'
        WHEN a.modality <> 'peritoneal dialysis' AND q.hd_ktv IS NOT NULL THEN 'eqrs'
        WHEN c.ktv IS NOT NULL THEN 'claims'
        WHEN a.modality = 'peritoneal dialysis' AND p.any_ktv IS NOT NULL THEN 'eqrs'
    END AS ktv_source
FROM aged AS a
LEFT JOIN eqrs_month AS q
    ON q.program = a.program AND q.patient_id = a.patient_id AND q.month = a.month
LEFT JOIN eqrs_peritoneal AS p
    ON p.program = a.program
    AND p.patient_id = a.patient_id
    AND p.month = a.month
    AND p.ccn = a.ccn
LEFT JOIN claim_month AS c
    ON c.program = a.program
    AND c.patient_id = a.patient_id
    AND c.month = a.month
    AND c.ccn = a.ccn
