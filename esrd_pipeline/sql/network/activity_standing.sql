-- One row: one activity that is measured, or has a facility in it, in the year, with its facilities
-- counted. ESRD KHARES & 18 ESRD Networks: quality improvement activities.
-- A facility that left and came back counts once, as it stands in its last time.
WITH
rule AS (
    SELECT
        make_date($performance_year, 1, 1) AS first_day,
        make_date($performance_year, 12, 31) AS last_day
),

last_time AS (
    SELECT
        activity,
        ccn,
        place,
        reaches_goal,
        escalation,
        max(mentor_count) OVER (PARTITION BY activity, ccn) AS mentor_count,
        row_number() OVER (PARTITION BY activity, ccn ORDER BY start_date DESC) AS from_last
    FROM network.enrolment_standing
    WHERE performance_year = $performance_year
),

counted AS (
    SELECT
        activity,
        count(*) AS enrolled_count,
        count(*) FILTER (WHERE place = 'in') AS in_count,
        count(*) FILTER (WHERE place = 'graduated') AS graduated_count,
        count(*) FILTER (WHERE place = 'left') AS left_count,
        count(reaches_goal) AS measured_count,
        count(*) FILTER (WHERE reaches_goal) AS at_goal_count,
        count(*) FILTER (WHERE place = 'in' AND escalation > 0) AS escalated_count,
        count(*) FILTER (WHERE mentor_count > 0) AS mentored_count
    FROM last_time
    WHERE from_last = 1
    GROUP BY activity
)

SELECT
    a.activity,
    $performance_year AS performance_year,
    a.network,
    a.priority,
    a.measure,
    a.selection_rule,
    a.measurement_first,
    a.measurement_last,
    a.goal,
    a.goal_unit,
    a.goal_direction,
    coalesce(c.enrolled_count, 0) AS enrolled_count,
    coalesce(c.in_count, 0) AS in_count,
    coalesce(c.graduated_count, 0) AS graduated_count,
    coalesce(c.left_count, 0) AS left_count,
    coalesce(c.measured_count, 0) AS measured_count,
    coalesce(c.at_goal_count, 0) AS at_goal_count,
    coalesce(c.escalated_count, 0) AS escalated_count,
    coalesce(c.mentored_count, 0) AS mentored_count
FROM raw.network_activity AS a
CROSS JOIN rule AS r
LEFT JOIN counted AS c ON c.activity = a.activity
WHERE a.performance_year = $performance_year
    AND (
        c.activity IS NOT NULL
        OR (a.measurement_first <= r.last_day AND a.measurement_last >= r.first_day)
    )
