-- One row: a month of one patient whom a facility treated or had admitted, by the rules of one
-- measure of patient-months: counted, in the numerator or not, or excluded and why.
-- Manual 2.1, 2.3 to 2.8, 2.19: the list CMS shows a facility in a preview period. $ccn is the
-- facility, $measure the measure.
WITH
judged AS (
    SELECT
        *,
        CASE $measure
            WHEN 'ktv_adult_hd' THEN ktv_adult_hd_reason
            WHEN 'ktv_adult_pd' THEN ktv_adult_pd_reason
            WHEN 'ktv_pediatric_hd' THEN ktv_pediatric_hd_reason
            WHEN 'ktv_pediatric_pd' THEN ktv_pediatric_pd_reason
            WHEN 'ltc' THEN ltc_reason
            WHEN 'hypercalcemia' THEN hypercalcemia_reason
            WHEN 'npcr' THEN npcr_reason
            WHEN 'medication_reconciliation' THEN medication_reconciliation_reason
        END AS reason,
        CASE $measure
            WHEN 'ktv_adult_hd' THEN is_ktv_adult_hd
            WHEN 'ktv_adult_pd' THEN is_ktv_adult_pd
            WHEN 'ktv_pediatric_hd' THEN is_ktv_pediatric_hd
            WHEN 'ktv_pediatric_pd' THEN is_ktv_pediatric_pd
            WHEN 'ltc' THEN is_ltc
            WHEN 'hypercalcemia' THEN is_hypercalcemia
            WHEN 'npcr' THEN is_npcr
            WHEN 'medication_reconciliation' THEN is_medication_reconciliation
        END AS is_in_numerator
    FROM cohort.patient_months
    WHERE performance_year = $performance_year AND ccn = $ccn
)

SELECT
    program,
    patient_id,
    month,
    $performance_year AS performance_year,
    ccn,
    $measure AS measure,
    reason,
    is_in_numerator,
    is_whole,
    age,
    esrd_day,
    modality,
    frequency,
    ktv,
    ktv_source,
    access_type,
    catheter_months,
    calcium,
    sessions
FROM judged
WHERE coalesce(reason, '') <> 'not_a_measure_of_the_program'
