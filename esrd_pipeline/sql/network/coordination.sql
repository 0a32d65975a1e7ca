-- One row: an indicator of coordination of care in one month at one facility of the DFC list:
-- admissions to hospital, visits to an emergency department without a stay, and admissions within 30
-- days of a discharge; the days they are counted over are the denominator.
-- ESRD KHARES & 18 ESRD Networks: improve care coordination (reduce hospitalization);
-- manual 2.13.10.1, 2.13.11, 2.25.10, 2.25.11.
-- Reading 203: every stay counts, planned or not and with COVID-19 or without, at the facility that
-- treats the patient on its first day, in months observable in claims; emergency visits only in
-- months without Medicare Advantage, whose outpatient claims Medicare does not see. Nothing is
-- adjusted.
WITH
rule AS (
    SELECT 30 AS return_days
),

stay AS (
    SELECT
        patient_id,
        admit_date,
        lag(discharge_date) OVER (PARTITION BY patient_id ORDER BY admit_date) AS last_discharge
    FROM history.hospital_stay
    WHERE performance_year = $performance_year
),

event AS (
    SELECT patient_id, admit_date AS event_date, 'admission' AS indicator
    FROM stay
    UNION ALL
    SELECT s.patient_id, s.admit_date AS event_date, 'readmission_30' AS indicator
    FROM stay AS s
    CROSS JOIN rule AS r
    WHERE s.admit_date <= s.last_discharge + r.return_days
    UNION ALL
    SELECT patient_id, start_date AS event_date, 'ed_visit' AS indicator
    FROM history.emergency_encounter
    WHERE performance_year = $performance_year
),

happened AS (
    SELECT t.ccn, m.month, e.indicator, count(*) AS numerator, 0 AS denominator
    FROM history.medicare_month AS m
    JOIN event AS e
        ON e.patient_id = m.patient_id
        AND make_date(year(e.event_date), month(e.event_date), 1) = m.month
    JOIN history.treatment AS t
        ON t.patient_id = e.patient_id
        AND e.event_date BETWEEN t.start_date AND t.end_date
        AND t.performance_year = $performance_year
    WHERE m.performance_year = $performance_year
        AND t.program = 'dfc'
        AND t.state = 'dialysis'
        AND year(e.event_date) = $performance_year
        AND CASE
            WHEN e.indicator = 'ed_visit' THEN m.is_covered AND NOT m.is_ma
            ELSE m.is_observable
        END
    GROUP BY t.ccn, m.month, e.indicator
),

exposed AS (
    SELECT ccn, month, observable_days, emergency_days
    FROM network.patient_month
    WHERE performance_year = $performance_year
),

counted AS (
    SELECT ccn, month, indicator, numerator, denominator FROM happened
    UNION ALL
    SELECT ccn, month, 'admission', 0, observable_days FROM exposed
    UNION ALL
    SELECT ccn, month, 'readmission_30', 0, observable_days FROM exposed
    UNION ALL
    SELECT ccn, month, 'ed_visit', 0, emergency_days FROM exposed
)

SELECT * FROM shared.indicator_months AS i
