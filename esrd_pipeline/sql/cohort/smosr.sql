-- One row: a segment of days of a patient whose ESRD began in the year before, within its first 365
-- days: at risk of a first durable switch to home dialysis, or why not.
-- Manual 2.27.8 to 2.27.13, Figure 29. A record is a segment of days attributed to one facility by
-- the rule of 30 days (history.attribution); its clock counts days at risk from zero ("the number
-- of days attributed to that facility").
-- Readings. Calendar year is the year of incidence (Figure 29): the partition of 2024 holds
-- patients incident in 2023, with a completely observed first year; DFC publishes 2021 to 2023 with
-- an SHR of 2024. Age is counted on the first day of ESRD (2.27.10), which is the stricter of the
-- two rules. In center: the first day of dialysis reported there, and every day after it, until the
-- switch; a period at home of fewer than 30 days is not a switch and leaves the patient at risk. A
-- switch is the first day of 30 consecutive days at home, under any home modality and facility; it
-- is not yet durable if its 30 days are not over at the year's end. It is attributed to the
-- facility of that day, and ends the follow-up even without one. Hospice: from the first day of the
-- first hospice claim since the year of incidence began. Home hemodialysis in a nursing home is no
-- switch and does not end the follow-up: only that time is out (2.27.9). A switch is the first day
-- at home outside it, if home dialysis, wherever, goes on for 30 days from there (reading 124).
WITH
began AS (
    SELECT patient_id, first_service_date, first_service_date + 364 AS last_date
    FROM linkage.first_service
    WHERE performance_year = $performance_year
        AND program = 'dfc'
        AND first_service_date
        BETWEEN make_date($performance_year - 1, 1, 1) AND make_date($performance_year - 1, 12, 31)
),

dialysed AS (
    SELECT
        t.patient_id,
        t.start_date,
        t.end_date,
        coalesce(t.setting, 'unknown') AS setting,
        coalesce(t.modality, 'unknown') AS modality
    FROM history.treatment AS t
    JOIN began AS b ON b.patient_id = t.patient_id
    WHERE t.performance_year = $performance_year
        AND t.program = 'dfc'
        AND t.state = 'dialysis'
),

came AS (
    SELECT patient_id, min(start_date) AS in_center_date
    FROM dialysed
    WHERE setting = 'in center'
    GROUP BY patient_id
),

compared AS (
    SELECT
        patient_id,
        start_date,
        end_date,
        CASE
            WHEN start_date = lag(end_date) OVER (
                PARTITION BY patient_id ORDER BY start_date
            ) + 1 THEN 0
            ELSE 1
        END AS begins
    FROM dialysed
    WHERE setting = 'home'
),

numbered_home AS (
    SELECT
        *,
        sum(begins) OVER (
            PARTITION BY patient_id ORDER BY start_date ROWS UNBOUNDED PRECEDING
        ) AS stay
    FROM compared
),

at_home AS (
    SELECT patient_id, min(start_date) AS start_date, max(end_date) AS end_date
    FROM numbered_home
    GROUP BY patient_id, stay
),

nursed AS (
    SELECT * FROM shared.nursed_at_home AS n
),

-- Days on which the patient comes home: the first of a stay, and the first after a nursing home.
arrived AS (
    SELECT patient_id, start_date AS home_date, end_date FROM at_home
    UNION
    SELECT h.patient_id, n.end_date + 1 AS home_date, h.end_date
    FROM at_home AS h
    JOIN nursed AS n
        ON n.patient_id = h.patient_id
        AND n.end_date >= h.start_date
        AND n.end_date < h.end_date
),

switched AS (
    SELECT a.patient_id, min(a.home_date) AS switch_date
    FROM arrived AS a
    JOIN came AS c ON c.patient_id = a.patient_id AND a.home_date > c.in_center_date
    LEFT JOIN nursed AS n
        ON n.patient_id = a.patient_id AND a.home_date BETWEEN n.start_date AND n.end_date
    WHERE n.patient_id IS NULL AND datediff('day', a.home_date, a.end_date) + 1 >= 30
    GROUP BY a.patient_id
),

hospice AS (
    SELECT b.patient_id, min(c.from_date) AS hospice_date
    FROM linkage.claim AS c
    JOIN began AS b ON b.patient_id = c.patient_id
    WHERE c.performance_year = $performance_year AND c.claim_type = '50'
    GROUP BY b.patient_id
),

incident AS (
    SELECT patient_id, has_form
    FROM history.patient_characteristics
    WHERE performance_year = $performance_year
),

aged AS (
    SELECT
        b.*,
        shared.completed_years(p.date_of_birth, b.first_service_date) AS age,
        coalesce(i.has_form, FALSE) AS has_form,
        c.in_center_date,
        s.switch_date,
        h.hospice_date
    FROM began AS b
    LEFT JOIN linkage.patient AS p
        ON p.patient_id = b.patient_id AND p.performance_year = $performance_year
    LEFT JOIN incident AS i ON i.patient_id = b.patient_id
    LEFT JOIN came AS c ON c.patient_id = b.patient_id
    LEFT JOIN switched AS s ON s.patient_id = b.patient_id
    LEFT JOIN hospice AS h ON h.patient_id = b.patient_id
),

followed AS (
    SELECT
        *,
        least(last_date, coalesce(switch_date, last_date)) AS end_date,
        CASE
            WHEN age IS NULL THEN 'date_of_birth_unknown'
            WHEN age < 18 THEN 'under_18_years'
            WHEN NOT has_form THEN 'no_cms_2728'
        END AS reason
    FROM aged
),

attribution AS (
    SELECT
        a.patient_id,
        a.ccn,
        a.reason,
        a.start_date AS attribution_start,
        least(a.end_date, f.end_date) AS attribution_end,
        row_number() OVER (PARTITION BY a.patient_id ORDER BY a.start_date) AS record
    FROM history.attribution AS a
    JOIN followed AS f ON f.patient_id = a.patient_id AND a.start_date <= f.end_date
    WHERE a.performance_year = $performance_year AND a.rule = 'smosr' AND a.program = 'dfc'
),

-- Days on which a fact of the patient changes.
change AS (
    SELECT patient_id, in_center_date AS change_date
    FROM came
    UNION
    SELECT patient_id, hospice_date AS change_date
    FROM hospice
    UNION
    SELECT patient_id, start_date AS change_date
    FROM nursed
    UNION
    SELECT patient_id, end_date + 1 AS change_date
    FROM nursed
),

boundary AS (
    SELECT patient_id, record, attribution_start AS start_date
    FROM attribution
    UNION
    SELECT s.patient_id, s.record, c.change_date AS start_date
    FROM attribution AS s
    JOIN change AS c
        ON c.patient_id = s.patient_id
        AND c.change_date > s.attribution_start
        AND c.change_date <= s.attribution_end
),

segment AS (
    SELECT
        patient_id,
        record,
        start_date,
        lead(start_date) OVER (PARTITION BY patient_id ORDER BY start_date) AS next_start
    FROM boundary
),

described AS (
    SELECT
        t.patient_id,
        t.record,
        t.start_date,
        least(s.attribution_end, coalesce(t.next_start - 1, s.attribution_end)) AS end_date,
        s.ccn,
        CASE
            WHEN f.reason IS NOT NULL THEN f.reason
            WHEN t.start_date >= f.hospice_date THEN 'after_first_hospice_claim'
            WHEN f.in_center_date IS NULL OR t.start_date < f.in_center_date
                THEN 'before_first_in_center_day'
            WHEN s.reason IS NOT NULL THEN s.reason
            WHEN n.patient_id IS NOT NULL THEN 'home_hemodialysis_in_nursing_home'
        END AS reason
    FROM segment AS t
    JOIN attribution AS s ON s.patient_id = t.patient_id AND s.record = t.record
    JOIN followed AS f ON f.patient_id = t.patient_id
    LEFT JOIN nursed AS n
        ON n.patient_id = t.patient_id AND t.start_date BETWEEN n.start_date AND n.end_date
),

clocked AS (
    SELECT
        *,
        CASE WHEN reason IS NULL THEN datediff('day', start_date, end_date) + 1 ELSE 0 END AS days
    FROM described
),

timed AS (
    SELECT
        *,
        sum(days) OVER (
            PARTITION BY patient_id, record ORDER BY start_date ROWS UNBOUNDED PRECEDING
        ) AS stop_day
    FROM clocked
)

SELECT
    'dfc' AS program,
    t.patient_id,
    t.start_date,
    t.end_date,
    $performance_year AS performance_year,
    t.ccn,
    t.reason,
    t.stop_day - t.days AS start_day,
    t.stop_day,
    CASE WHEN t.end_date = f.switch_date THEN 1 ELSE 0 END AS is_event,
    f.age
FROM timed AS t
JOIN followed AS f ON f.patient_id = t.patient_id
