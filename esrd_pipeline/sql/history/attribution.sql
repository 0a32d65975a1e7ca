-- One row: a span of one patient's days and the facility that answers for them, or why none does.
-- Manual 2.13.10 (2.12.10, 2.25.12); readings 20, 27, 28. A facility answers (a) from the day
-- after $treatment_days unbroken days of treatment there, not before day 91 of ESRD; (b) for
-- $follow_days after a patient it answered for left. Nobody does from the third day before a
-- transplant on.
WITH
treatment AS (
    SELECT program, patient_id, start_date, end_date, state, ccn
    FROM history.treatment
    WHERE performance_year = $performance_year
),
person AS (
    SELECT t.program, t.patient_id, min(t.start_date) AS first_day, max(t.end_date) AS last_day, min(t.start_date) + 90 AS day_91
    FROM treatment AS t GROUP BY t.program, t.patient_id
),
transplant AS (
    SELECT program, patient_id, transplant_date, transplant_date - 3 AS leave_date FROM linkage.transplant WHERE performance_year = $performance_year
),
-- A change of modality does not break a facility's treatment.
marked AS (
    SELECT *, CASE WHEN lag(ccn) OVER w = ccn AND lag(state) OVER w = 'dialysis' AND state = 'dialysis' AND lag(end_date) OVER w + 1 = start_date THEN 0 ELSE 1 END AS is_new
    FROM treatment WINDOW w AS (PARTITION BY program, patient_id ORDER BY start_date)
),
numbered AS (
    SELECT *, sum(is_new) OVER (PARTITION BY program, patient_id ORDER BY start_date ROWS UNBOUNDED PRECEDING) AS stay FROM marked
),
stay AS (
    SELECT program, patient_id, ccn, min(start_date) AS start_date, max(end_date) AS end_date
    FROM numbered WHERE state = 'dialysis' AND ccn IS NOT NULL
    GROUP BY program, patient_id, ccn, stay
),
-- The first transplant after a stay began ends what it gives rise to.
bounded AS (
    SELECT s.program, s.patient_id, s.ccn, greatest(s.start_date + $treatment_days, p.day_91) AS answer_start, s.end_date, p.last_day,
        min(t.leave_date) AS leave_date
    FROM stay AS s
    JOIN person AS p ON p.program = s.program AND p.patient_id = s.patient_id
    LEFT JOIN transplant AS t ON t.program = s.program AND t.patient_id = s.patient_id AND t.transplant_date > s.start_date
    GROUP BY s.program, s.patient_id, s.ccn, s.start_date, p.day_91, s.end_date, p.last_day
),
answered AS (
    SELECT program, patient_id, ccn, answer_start AS start_date,
        least(end_date + $follow_days, last_day, coalesce(leave_date - 1, last_day)) AS end_date
    FROM bounded WHERE answer_start <= end_date AND answer_start < coalesce(leave_date, last_day + 1)
),
boundary AS (
    SELECT program, patient_id, start_date AS d FROM treatment
    UNION SELECT program, patient_id, start_date FROM answered
    UNION SELECT a.program, a.patient_id, a.end_date + 1 FROM answered a JOIN person p ON p.program = a.program AND p.patient_id = a.patient_id WHERE a.end_date < p.last_day
    UNION SELECT program, patient_id, day_91 FROM person WHERE day_91 <= last_day
    UNION SELECT t.program, t.patient_id, t.leave_date FROM transplant t JOIN person p ON p.program = t.program AND p.patient_id = t.patient_id WHERE t.leave_date BETWEEN p.first_day AND p.last_day
),
piece AS (
    SELECT b.program, b.patient_id, b.d AS start_date, coalesce(lead(b.d) OVER (PARTITION BY b.program, b.patient_id ORDER BY b.d) - 1, p.last_day) AS end_date, p.day_91
    FROM boundary b JOIN person p ON p.program = b.program AND p.patient_id = b.patient_id
),
leaving AS (
    SELECT DISTINCT q.program, q.patient_id, q.start_date FROM piece q JOIN transplant t ON t.program = q.program AND t.patient_id = q.patient_id AND q.start_date BETWEEN t.leave_date AND t.transplant_date
),
judged AS (
    SELECT q.program, q.patient_id, q.start_date, q.end_date, a.ccn,
        CASE WHEN a.ccn IS NOT NULL THEN NULL
             WHEN q.start_date < q.day_91 THEN 'first 90 days of ESRD'
             WHEN t.state = 'transplant' OR v.start_date IS NOT NULL THEN 'transplant'
             WHEN t.state IN ('withdrawn', 'recovered') THEN 'after withdrawal or recovery'
             WHEN t.state = 'lost' THEN 'lost to follow-up'
             WHEN t.state = 'dialysis' AND t.ccn IS NULL THEN 'facility unknown'
             ELSE 'fewer than the days of treatment at one facility' END AS reason
    FROM piece q
    JOIN treatment t ON t.program = q.program AND t.patient_id = q.patient_id AND q.start_date BETWEEN t.start_date AND t.end_date
    LEFT JOIN answered a ON a.program = q.program AND a.patient_id = q.patient_id AND q.start_date BETWEEN a.start_date AND a.end_date
    LEFT JOIN leaving v ON v.program = q.program AND v.patient_id = q.patient_id AND v.start_date = q.start_date
),
joined AS (
    SELECT *, CASE WHEN lag(coalesce(ccn, '')) OVER w = coalesce(ccn, '') AND lag(coalesce(reason, '')) OVER w = coalesce(reason, '') THEN 0 ELSE 1 END AS is_new
    FROM judged WINDOW w AS (PARTITION BY program, patient_id ORDER BY start_date)
),
spanned AS (
    SELECT *, sum(is_new) OVER (PARTITION BY program, patient_id ORDER BY start_date ROWS UNBOUNDED PRECEDING) AS span FROM joined
)
SELECT program, patient_id, min(start_date) AS start_date, max(end_date) AS end_date, $performance_year AS performance_year, ccn, reason
FROM spanned GROUP BY program, patient_id, span, ccn, reason
