-- One row: the regular patients in center of one facility around an emergency's first day ($day), or
-- around the same weekday a year before, and what became of them: who was dialysed early, sessions
-- received, treatment elsewhere, emergency visits, hospital stays, deaths. The design of Kelman et al.,
-- Am J Kidney Dis 2015;65:109-115 (Hurricane Sandy).
-- Readings: 270, whose patients: on hemodialysis in center at one facility from 30 days before the day
-- to the day, with a session on a claim of a dialysis facility (type of bill 72x, not refused: reading
-- 91) in the four weeks that end three days before it. 271,
-- early: a session on one of the two days before, on a weekday with sessions in fewer than two of the
-- four weeks. 272, sessions received: those of the first three days, against a quarter of those on the
-- same weekdays of the four weeks; days in hospital, their like in the four weeks, and days after
-- death are left out. 273, elsewhere: a session of the first week on another facility's claim. 274,
-- events: those that begin in the 30 days from the day on. 294, a year without claims of its own has no
-- rows: the few of it that came late, in this year's folder, are no group to compare with.
WITH
rule AS (
    SELECT
        364 AS year_days,
        30 AS follow_days,
        30 AS same_days,
        2 AS early_days,
        2 AS least_weeks,
        3 AS closed_days,
        7 AS away_days
),

week AS (
    SELECT 1 AS n
    UNION ALL
    SELECT 2 AS n
    UNION ALL
    SELECT 3 AS n
    UNION ALL
    SELECT 4 AS n
    UNION ALL
    SELECT 5 AS n
),

-- The weekdays of the closed days: 0 is that of the day itself.
closed_day AS (
    SELECT n - 1 AS place FROM week WHERE n <= 3
),

earlier_folder AS (
    SELECT DISTINCT claim_year
    FROM linkage.claim
    WHERE performance_year = $performance_year
        AND source = 'institutional'
        AND claim_year = $performance_year - 1
),

anchor AS (
    SELECT 'day' AS period, $day AS day_0
    UNION ALL
    SELECT 'year before' AS period, $day - r.year_days AS day_0
    FROM rule AS r
    CROSS JOIN earlier_folder
),

death AS (
    SELECT patient_id, death_date
    FROM linkage.death
    WHERE performance_year = $performance_year AND program = 'dfc'
),

treated AS (
    SELECT
        a.period,
        a.day_0,
        t.patient_id,
        t.ccn,
        d.death_date,
        least(coalesce(d.death_date, a.day_0 + r.follow_days - 1), a.day_0 + r.follow_days - 1)
            AS last_day
    FROM history.treatment AS t
    CROSS JOIN rule AS r
    JOIN anchor AS a ON t.start_date <= a.day_0 - r.same_days AND t.end_date >= a.day_0
    LEFT JOIN death AS d ON d.patient_id = t.patient_id
    WHERE t.performance_year = $performance_year
        AND t.program = 'dfc'
        AND t.state = 'dialysis'
        AND t.modality = 'hemodialysis'
        AND t.setting = 'in center'
        AND t.ccn IS NOT NULL
        AND coalesce(d.death_date, a.day_0) >= a.day_0
),

number AS (
    SELECT provider_number, ccn
    FROM linkage.provider_number
    WHERE performance_year = $performance_year AND program = 'dfc'
),

-- The days stand as numbers, so that DuckDB reads only their part of the claim lines.
billed AS (
    SELECT
        k.patient_id,
        l.rev_cntr_dt AS session_date,
        coalesce(n.ccn, c.prvdr_num) AS ccn
    FROM linkage.claim AS k
    JOIN raw.claim AS c ON c.clm_id = k.clm_id AND c.performance_year = k.claim_year
    JOIN shared.dialysis_line AS l
        ON l.clm_id = k.clm_id AND l.performance_year = k.claim_year
    LEFT JOIN number AS n ON n.provider_number = c.prvdr_num
    WHERE k.performance_year = $performance_year
        AND c.performance_year BETWEEN $performance_year - 1 AND $performance_year
        AND k.source = 'institutional'
        AND c.clm_fac_type_cd = '7'
        AND c.clm_srvc_clsfctn_type_cd = '2'
        AND coalesce(c.clm_mdcr_non_pmt_rsn_cd, 'P') = 'P'
        AND (
            l.rev_cntr_dt BETWEEN $day - 30 AND $day + 6
            OR l.rev_cntr_dt BETWEEN $day - 394 AND $day - 358
        )
        AND l.any_in_center + l.any_home > 0
),

-- A session's place is its days since the day, its weekday that of its place in a week.
attended AS (
    SELECT
        t.period,
        t.patient_id,
        datediff('day', t.day_0, b.session_date) AS place,
        (datediff('day', t.day_0, b.session_date) + 35) % 7 AS weekday,
        max(CASE WHEN b.ccn = t.ccn THEN 0 ELSE 1 END) AS is_elsewhere
    FROM treated AS t
    JOIN billed AS b ON b.patient_id = t.patient_id
    CROSS JOIN rule AS r
    WHERE b.session_date >= t.day_0 - r.same_days AND b.session_date < t.day_0 + r.away_days
    GROUP BY t.period, t.patient_id, place, weekday
),

usual AS (
    SELECT a.period, a.patient_id, a.weekday, count(*) AS sessions
    FROM attended AS a
    CROSS JOIN rule AS r
    WHERE a.place < -r.early_days
    GROUP BY a.period, a.patient_id, a.weekday
),

regular AS (
    SELECT DISTINCT period, patient_id FROM usual
),

early AS (
    SELECT DISTINCT a.period, a.patient_id
    FROM attended AS a
    CROSS JOIN rule AS r
    LEFT JOIN usual AS u
        ON u.period = a.period AND u.patient_id = a.patient_id AND u.weekday = a.weekday
    WHERE a.place BETWEEN -r.early_days AND -1 AND coalesce(u.sessions, 0) < r.least_weeks
),

elsewhere AS (
    SELECT DISTINCT period, patient_id
    FROM attended
    WHERE place >= 0 AND is_elsewhere = 1
),

stay AS (
    SELECT patient_id, admit_date, discharge_date
    FROM history.hospital_stay
    WHERE performance_year = $performance_year
),

-- Closed days in hospital, or with one of the four days they are compared with in hospital.
in_hospital AS (
    SELECT DISTINCT t.period, t.patient_id, c.place
    FROM treated AS t
    JOIN stay AS s ON s.patient_id = t.patient_id
    CROSS JOIN closed_day AS c
    CROSS JOIN week AS w
    WHERE t.day_0 + c.place - 7 * (w.n - 1) BETWEEN s.admit_date AND s.discharge_date
        AND s.admit_date <= t.day_0 + 2
        AND s.discharge_date >= t.day_0 - 28
),

compared_day AS (
    SELECT t.period, t.patient_id, c.place
    FROM treated AS t
    CROSS JOIN closed_day AS c
    LEFT JOIN in_hospital AS h
        ON h.period = t.period AND h.patient_id = t.patient_id AND h.place = c.place
    WHERE h.patient_id IS NULL AND t.day_0 + c.place <= t.last_day
),

received AS (
    SELECT
        c.period,
        c.patient_id,
        count(*) FILTER (WHERE a.place >= 0) AS sessions,
        count(*) FILTER (WHERE a.place < 0) AS sessions_before
    FROM compared_day AS c
    CROSS JOIN rule AS r
    JOIN attended AS a
        ON a.period = c.period AND a.patient_id = c.patient_id AND a.weekday = c.place
    WHERE a.place < -r.early_days OR a.place BETWEEN 0 AND r.closed_days - 1
    GROUP BY c.period, c.patient_id
),

visit AS (
    SELECT t.period, t.patient_id, count(*) AS events
    FROM treated AS t
    JOIN history.emergency_encounter AS e
        ON e.patient_id = t.patient_id
        AND e.start_date >= t.day_0
        AND e.start_date <= t.last_day
    WHERE e.performance_year = $performance_year
    GROUP BY t.period, t.patient_id
),

admission AS (
    SELECT t.period, t.patient_id, count(*) AS events
    FROM treated AS t
    JOIN stay AS s
        ON s.patient_id = t.patient_id
        AND s.admit_date >= t.day_0
        AND s.admit_date <= t.last_day
    GROUP BY t.period, t.patient_id
)

SELECT
    t.period,
    t.ccn,
    $performance_year AS performance_year,
    $day AS day,
    count(*) AS patients,
    sum(datediff('day', t.day_0, t.last_day) + 1) AS patient_days,
    count(*) FILTER (WHERE y.patient_id IS NOT NULL) AS dialysed_early,
    coalesce(sum(v.sessions), 0) AS sessions,
    coalesce(sum(v.sessions_before), 0) / 4.0 AS usual_sessions,
    count(*) FILTER (WHERE x.patient_id IS NOT NULL) AS treated_elsewhere,
    coalesce(sum(e.events), 0) AS emergency_visits,
    coalesce(sum(s.events), 0) AS admissions,
    count(*) FILTER (WHERE t.death_date <= t.last_day) AS deaths
FROM treated AS t
JOIN regular AS g ON g.period = t.period AND g.patient_id = t.patient_id
LEFT JOIN early AS y ON y.period = t.period AND y.patient_id = t.patient_id
LEFT JOIN received AS v ON v.period = t.period AND v.patient_id = t.patient_id
LEFT JOIN elsewhere AS x ON x.period = t.period AND x.patient_id = t.patient_id
LEFT JOIN visit AS e ON e.period = t.period AND e.patient_id = t.patient_id
LEFT JOIN admission AS s ON s.period = t.period AND s.patient_id = t.patient_id
GROUP BY t.period, t.ccn
