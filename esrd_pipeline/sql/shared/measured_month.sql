-- One row: a month of one patient at one facility in one measure of patient-months: why it is not
-- in the denominator, or whether it is in the numerator. Manual 2.1, 2.3 to 2.8, 2.19.
SELECT
    p.*,
    m.measure,
    CASE m.measure
        WHEN 'ktv_adult_hd' THEN p.ktv_adult_hd_reason
        WHEN 'ktv_adult_pd' THEN p.ktv_adult_pd_reason
        WHEN 'ktv_pediatric_hd' THEN p.ktv_pediatric_hd_reason
        WHEN 'ktv_pediatric_pd' THEN p.ktv_pediatric_pd_reason
        WHEN 'ltc' THEN p.ltc_reason
        WHEN 'hypercalcemia' THEN p.hypercalcemia_reason
        WHEN 'npcr' THEN p.npcr_reason
        WHEN 'medication_reconciliation' THEN p.medication_reconciliation_reason
    END AS reason,
    CASE m.measure
        WHEN 'ktv_adult_hd' THEN p.is_ktv_adult_hd
        WHEN 'ktv_adult_pd' THEN p.is_ktv_adult_pd
        WHEN 'ktv_pediatric_hd' THEN p.is_ktv_pediatric_hd
        WHEN 'ktv_pediatric_pd' THEN p.is_ktv_pediatric_pd
        WHEN 'ltc' THEN p.is_ltc
        WHEN 'hypercalcemia' THEN p.is_hypercalcemia
        WHEN 'npcr' THEN p.is_npcr
        WHEN 'medication_reconciliation' THEN p.is_medication_reconciliation
    END AS is_in_numerator
FROM cohort.patient_months AS p
CROSS JOIN (
    VALUES
    ('ktv_adult_hd'),
    ('ktv_adult_pd'),
    ('ktv_pediatric_hd'),
    ('ktv_pediatric_pd'),
    ('ltc'),
    ('hypercalcemia'),
    ('npcr'),
    ('medication_reconciliation')
) AS m (measure)
WHERE p.performance_year = $performance_year
