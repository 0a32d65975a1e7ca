-- One row: a month of the year of one patient at one facility of a program that treated them or has
-- them admitted in EQRS; for each measure of patient-months, why the month is not in its
-- denominator (the first rule that applies), or whether it is in the numerator.
-- Manual 2.1, 2.3 to 2.8, 2.19, 3.1.1 to 3.1.4; 3.4 and 3.5 (QIP only).
-- Readings: calcium and nPCR of DFC come from any facility, the QIP's calcium from the facility
-- itself; unknown sessions delivered do not exclude a patient from 2.19; calcium is the mean of the
-- months that have a value, compared without rounding. Reading 90: time on ESRD counts the first
-- service date as day 1 in DFC; in the QIP it is "the duration between" two dates (3.1.2).
WITH
rule AS (
    SELECT
        18 AS adult_age,
        90 AS calcium_days,
        91 AS ktv_days,
        CAST(1.2 AS DOUBLE) AS least_hd,
        CAST(1.7 AS DOUBLE) AS least_adult_pd,
        CAST(1.8 AS DOUBLE) AS least_child_pd,
        CAST(10.2 AS DECIMAL(8, 6)) AS most_calcium,
        7 AS least_sessions,
        3 AS catheter_months
),

exception AS (
    SELECT ccn, month FROM history.exception_month WHERE performance_year = $performance_year
),

-- The month with all its facts, and the values the rules use.
completed AS (
    SELECT
        c.program,
        c.patient_id,
        c.month,
        c.ccn,
        c.is_whole,
        c.is_admitted,
        c.departure,
        e.ccn IS NOT NULL AS is_exception,
        coalesce(c.program = 'qip' AND c.month < f.reporting_date, false) AS is_new_facility,
        k.modality AS ktv_modality,
        k.age AS ktv_age,
        k.esrd_day AS ktv_esrd_day,
        k.frequency,
        k.ktv,
        k.ktv_source,
        r.has_calcium,
        r.has_reconciliation,
        r.sessions,
        r.access_type,
        r.has_npcr,
        CAST(r.calcium_sum AS DECIMAL(10, 6)) AS calcium_sum,
        r.calcium_months,
        coalesce(h.months, 0) AS catheter_months,
        l.patient_id IS NOT NULL AS is_limited_life,
        -- 3.1.1: EQRS is the only source of the QIP's EQRS-based measures.
        CASE
            WHEN c.program = 'qip' THEN c.modality
            ELSE coalesce(k.modality, c.modality)
        END AS month_modality,
        p.date_of_birth IS NULL AS is_birth_unknown,
        shared.completed_years(p.date_of_birth, c.month) AS age,
        -- 2.8.10: as of two months before, also on the first of the month.
        p.date_of_birth + INTERVAL 18 YEAR <= c.month - INTERVAL 2 MONTH AS is_adult_before,
        date_diff('day', s.first_service_date, c.month) + 1 AS esrd_day,
        CASE WHEN c.program = 'qip' THEN 1 ELSE 0 END AS days_not_counted,
        coalesce(d.death_date < last_day(c.month), false) AS is_dead
    FROM history.care_month AS c
    LEFT JOIN history.reported_month AS r
        ON r.program = c.program
        AND r.patient_id = c.patient_id
        AND r.month = c.month
        AND r.ccn = c.ccn
        AND r.performance_year = $performance_year
    LEFT JOIN linkage.first_service AS s
        ON s.program = c.program
        AND s.patient_id = c.patient_id
        AND s.performance_year = $performance_year
    LEFT JOIN linkage.patient AS p
        ON p.patient_id = c.patient_id AND p.performance_year = $performance_year
    LEFT JOIN history.ktv_month AS k
        ON k.program = c.program
        AND k.patient_id = c.patient_id
        AND k.month = c.month
        AND k.ccn = c.ccn
        AND k.performance_year = $performance_year
    LEFT JOIN history.catheter_month AS h
        ON h.program = c.program
        AND h.patient_id = c.patient_id
        AND h.month = c.month
        AND h.ccn = c.ccn
        AND h.performance_year = $performance_year
    LEFT JOIN linkage.death AS d
        ON d.program = c.program
        AND d.patient_id = c.patient_id
        AND d.performance_year = $performance_year
    LEFT JOIN history.limited_life AS l
        ON l.patient_id = c.patient_id
        AND l.month = c.month
        AND l.performance_year = $performance_year
    LEFT JOIN linkage.facility AS f
        ON f.program = c.program AND f.ccn = c.ccn AND f.performance_year = $performance_year
    LEFT JOIN exception AS e
        ON c.program = 'qip' AND e.ccn = c.ccn AND e.month = c.month
    WHERE c.performance_year = $performance_year
),

judged AS (
    SELECT
        *,
        coalesce(
            month_modality IN (
                'in-center hemodialysis',
                'home hemodialysis',
                'in-center and home hemodialysis'
            ),
            false
        ) AS is_hemodialysis,
        coalesce(
            access_type NOT IN (
                'AV Fistula Only',
                'AVFONLY',
                'AV Fistula Only (with 2 Needles)',
                'AV Fistula single needle device',
                'AVFSINGLE',
                'AV Graft Only',
                'AVGONLY'
            ),
            true
        ) AS is_catheter,
        -- Rules that every measure of the program shares.
        CASE
            WHEN is_exception THEN 'extraordinary_circumstances_exception'
            WHEN is_new_facility THEN 'new_facility'
        END AS facility_reason,
        CASE WHEN NOT is_whole THEN 'not_at_facility_all_month' END AS whole_reason,
        -- Reading 81: 2.3.11 and 2.8.11 (DFC) leave out whoever departs anytime during the month,
        -- 2.1.10 who transfers; 2.8.10 (QIP) and 2.19.7 only ask for the month's every day.
        CASE
            WHEN NOT is_whole THEN 'not_at_facility_all_month'
            WHEN departure IS NOT NULL THEN 'left_facility_in_month'
        END AS stay_reason,
        CASE
            WHEN NOT is_whole THEN 'not_at_facility_all_month'
            WHEN departure = 'discharge' THEN 'left_facility_in_month'
        END AS transfer_reason,
        CASE
            WHEN frequency = 'frequent' THEN 'frequent_dialysis'
            WHEN frequency = 'infrequent' THEN 'infrequent_dialysis'
            WHEN frequency IS NULL THEN 'weekly_sessions_unknown'
        END AS frequency_reason
    FROM completed
),

-- Figures 3 to 6 in their order.
shared AS (
    SELECT
        a.*,
        coalesce(
            a.facility_reason,
            a.stay_reason,
            CASE
                WHEN a.is_birth_unknown THEN 'date_of_birth_unknown'
                WHEN a.ktv_esrd_day - a.days_not_counted < r.ktv_days THEN 'esrd_under_91_days'
                WHEN a.ktv_modality IS NULL THEN 'modality_unknown'
            END
        ) AS shared_reason
    FROM judged AS a
    CROSS JOIN rule AS r
),

excluded AS (
    SELECT
        a.*,
        r.least_hd,
        r.least_adult_pd,
        r.least_child_pd,
        r.most_calcium,
        r.catheter_months AS long_term_months,
        coalesce(
            a.shared_reason,
            CASE
                WHEN a.ktv_modality NOT IN (
                    'in-center hemodialysis',
                    'home hemodialysis',
                    'in-center and home hemodialysis'
                ) THEN 'not_on_hemodialysis_all_month'
                WHEN a.ktv_age < r.adult_age THEN 'under_18_years'
            END,
            a.frequency_reason
        ) AS ktv_adult_hd_reason,
        coalesce(
            a.shared_reason,
            CASE
                WHEN a.ktv_modality <> 'peritoneal dialysis'
                    THEN 'not_on_peritoneal_dialysis_all_month'
                WHEN a.ktv_age < r.adult_age THEN 'under_18_years'
            END
        ) AS ktv_adult_pd_reason,
        coalesce(
            a.shared_reason,
            CASE
                WHEN a.ktv_modality <> 'in-center hemodialysis'
                    THEN 'not_on_in_center_hemodialysis_all_month'
                WHEN a.ktv_age >= r.adult_age THEN 'age_18_or_older'
            END,
            a.frequency_reason
        ) AS ktv_pediatric_hd_reason,
        coalesce(
            a.shared_reason,
            CASE
                WHEN a.ktv_modality <> 'peritoneal dialysis'
                    THEN 'not_on_peritoneal_dialysis_all_month'
                WHEN a.ktv_age >= r.adult_age THEN 'age_18_or_older'
            END
        ) AS ktv_pediatric_pd_reason,
        coalesce(
            a.facility_reason,
            a.transfer_reason,
            CASE
                WHEN a.is_birth_unknown THEN 'date_of_birth_unknown'
                WHEN a.age < r.adult_age THEN 'under_18_years'
                WHEN a.esrd_day < 1 THEN 'not_on_esrd_treatment'
                WHEN a.month_modality IS NULL THEN 'modality_unknown'
                WHEN NOT a.is_hemodialysis THEN 'not_on_hemodialysis_all_month'
                WHEN a.is_limited_life AND a.is_catheter
                    THEN 'catheter_with_limited_life_expectancy'
            END
        ) AS ltc_reason,
        coalesce(
            a.facility_reason,
            -- 2.8.11: the QIP assigns by admission and discharge in EQRS, to several facilities.
            CASE
                WHEN a.program = 'dfc' THEN a.stay_reason
                WHEN NOT a.is_admitted THEN 'not_at_facility_all_month'
            END,
            CASE
                WHEN a.is_dead THEN 'died_before_month_end'
                WHEN a.is_birth_unknown THEN 'date_of_birth_unknown'
                WHEN a.program = 'dfc' AND NOT a.is_adult_before
                    THEN 'under_18_years_two_months_before'
                WHEN a.program = 'qip' AND a.age < r.adult_age THEN 'under_18_years'
                WHEN a.esrd_day < 1 THEN 'not_on_esrd_treatment'
                WHEN a.esrd_day - a.days_not_counted < r.calcium_days THEN 'esrd_under_90_days'
                WHEN a.program = 'qip' AND a.month_modality = 'other' THEN 'other_modality'
            END
        ) AS hypercalcemia_reason,
        coalesce(
            CASE WHEN a.program = 'qip' THEN 'not_a_measure_of_the_program' END,
            a.stay_reason,
            CASE
                WHEN a.is_birth_unknown THEN 'date_of_birth_unknown'
                WHEN a.age >= r.adult_age THEN 'age_18_or_older'
                WHEN a.month_modality IS NULL THEN 'modality_unknown'
                WHEN a.month_modality <> 'in-center hemodialysis'
                    THEN 'not_on_in_center_hemodialysis_all_month'
            END
        ) AS npcr_reason,
        coalesce(
            CASE WHEN a.program = 'dfc' THEN 'not_a_measure_of_the_program' END,
            a.facility_reason,
            a.whole_reason,
            CASE
                WHEN a.esrd_day < 1 THEN 'not_on_esrd_treatment'
                WHEN a.month_modality = 'in-center hemodialysis' AND a.sessions < r.least_sessions
                    THEN 'under_7_in_center_treatments'
            END
        ) AS medication_reconciliation_reason
    FROM shared AS a
    CROSS JOIN rule AS r
)

SELECT
    program,
    patient_id,
    month,
    ccn,
    $performance_year AS performance_year,
    is_whole,
    is_admitted,
    age,
    esrd_day,
    month_modality AS modality,
    frequency,
    is_exception,
    is_new_facility,
    ktv,
    ktv_source,
    access_type,
    catheter_months,
    is_limited_life,
    CASE WHEN calcium_months > 0 THEN CAST(calcium_sum AS DOUBLE) / calcium_months END AS calcium,
    sessions,
    ktv_adult_hd_reason,
    CASE WHEN ktv_adult_hd_reason IS NULL THEN coalesce(ktv >= least_hd, false) END
        AS is_ktv_adult_hd,
    ktv_adult_pd_reason,
    CASE WHEN ktv_adult_pd_reason IS NULL THEN coalesce(ktv >= least_adult_pd, false) END
        AS is_ktv_adult_pd,
    ktv_pediatric_hd_reason,
    CASE WHEN ktv_pediatric_hd_reason IS NULL THEN coalesce(ktv >= least_hd, false) END
        AS is_ktv_pediatric_hd,
    ktv_pediatric_pd_reason,
    CASE WHEN ktv_pediatric_pd_reason IS NULL THEN coalesce(ktv >= least_child_pd, false) END
        AS is_ktv_pediatric_pd,
    ltc_reason,
    CASE WHEN ltc_reason IS NULL THEN catheter_months >= long_term_months END AS is_ltc,
    hypercalcemia_reason,
    CASE
        WHEN hypercalcemia_reason IS NOT NULL THEN NULL
        WHEN program = 'qip' THEN coalesce(has_calcium, false)
        ELSE calcium_months = 0 OR calcium_sum > most_calcium * calcium_months
    END AS is_hypercalcemia,
    npcr_reason,
    CASE WHEN npcr_reason IS NULL THEN has_npcr END AS is_npcr,
    medication_reconciliation_reason,
    CASE
        WHEN medication_reconciliation_reason IS NULL THEN coalesce(has_reconciliation, false)
    END AS is_medication_reconciliation
FROM excluded
