-- One row: one patient counted at one facility of a program in one measure of patient-months, with
-- the months in the denominator and in the numerator. Manual 2.1, 2.3 to 2.8, 2.19. Kt/V of all
-- four populations together is the QIP's measure until payment year 2026.
WITH
summed AS (
    SELECT
        program,
        ccn,
        patient_id,
        count(is_ktv_adult_hd) AS ktv_adult_hd,
        count(CASE WHEN is_ktv_adult_hd THEN 1 END) AS ktv_adult_hd_met,
        count(is_ktv_adult_pd) AS ktv_adult_pd,
        count(CASE WHEN is_ktv_adult_pd THEN 1 END) AS ktv_adult_pd_met,
        count(is_ktv_pediatric_hd) AS ktv_pediatric_hd,
        count(CASE WHEN is_ktv_pediatric_hd THEN 1 END) AS ktv_pediatric_hd_met,
        count(is_ktv_pediatric_pd) AS ktv_pediatric_pd,
        count(CASE WHEN is_ktv_pediatric_pd THEN 1 END) AS ktv_pediatric_pd_met,
        count(is_ltc) AS ltc,
        count(CASE WHEN is_ltc THEN 1 END) AS ltc_met,
        count(is_hypercalcemia) AS hypercalcemia,
        count(CASE WHEN is_hypercalcemia THEN 1 END) AS hypercalcemia_met,
        count(is_npcr) AS npcr,
        count(CASE WHEN is_npcr THEN 1 END) AS npcr_met,
        count(is_medication_reconciliation) AS medication_reconciliation,
        count(CASE WHEN is_medication_reconciliation THEN 1 END) AS medication_reconciliation_met
    FROM cohort.patient_months
    WHERE performance_year = $performance_year
    GROUP BY program, ccn, patient_id
),

listed AS (
    SELECT
        program, ccn, patient_id, 'ktv_adult_hd' AS measure,
        ktv_adult_hd_met AS numerator, ktv_adult_hd AS denominator
    FROM summed
    UNION ALL
    SELECT program, ccn, patient_id, 'ktv_adult_pd', ktv_adult_pd_met, ktv_adult_pd FROM summed
    UNION ALL
    SELECT program, ccn, patient_id, 'ktv_pediatric_hd', ktv_pediatric_hd_met, ktv_pediatric_hd
    FROM summed
    UNION ALL
    SELECT program, ccn, patient_id, 'ktv_pediatric_pd', ktv_pediatric_pd_met, ktv_pediatric_pd
    FROM summed
    UNION ALL
    SELECT
        program,
        ccn,
        patient_id,
        'ktv_comprehensive',
        ktv_adult_hd_met + ktv_adult_pd_met + ktv_pediatric_hd_met + ktv_pediatric_pd_met,
        ktv_adult_hd + ktv_adult_pd + ktv_pediatric_hd + ktv_pediatric_pd
    FROM summed
    WHERE program = 'qip'
    UNION ALL
    SELECT program, ccn, patient_id, 'ltc', ltc_met, ltc FROM summed
    UNION ALL
    SELECT program, ccn, patient_id, 'hypercalcemia', hypercalcemia_met, hypercalcemia FROM summed
    UNION ALL
    SELECT program, ccn, patient_id, 'npcr', npcr_met, npcr FROM summed
    UNION ALL
    SELECT
        program,
        ccn,
        patient_id,
        'medication_reconciliation',
        medication_reconciliation_met,
        medication_reconciliation
    FROM summed
)

SELECT
    program,
    measure,
    ccn,
    patient_id,
    $performance_year AS performance_year,
    numerator,
    denominator
FROM listed
WHERE denominator > 0
