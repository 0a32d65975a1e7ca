-- One row: one facility's time in one activity, of those that touch the year: where it is at the
-- year's end, its value beside the goal, contacts, level of escalation and mentors.
-- ESRD KHARES & 18 ESRD Networks: quality improvement activities.
-- A measure's value is that of facility.contract, of DFC where DFC has it, where it is reportable. An
-- indicator's is counted over the months of measurement in the year, of patients once a year the last
-- of them, where its denominator is as large as parameters/network_indicator.csv wants. Days after
-- the year's end are not known in the year.
WITH
rule AS (
    SELECT
        make_date($performance_year, 1, 1) AS first_day,
        make_date($performance_year, 12, 31) AS last_day
),

enrolled AS (
    SELECT
        e.activity,
        e.ccn,
        e.start_date,
        CASE WHEN e.end_date <= r.last_day THEN e.end_date END AS end_date,
        CASE WHEN e.graduated_on <= r.last_day THEN e.graduated_on END AS graduated_on,
        a.network,
        a.priority,
        a.measure,
        a.goal,
        a.goal_unit,
        a.goal_direction,
        greatest(a.measurement_first, r.first_day) AS measured_from,
        least(a.measurement_last, r.last_day) AS measured_to
    FROM raw.network_enrolment AS e
    JOIN raw.network_activity AS a
        ON a.activity = e.activity AND a.performance_year = $performance_year
    CROSS JOIN rule AS r
    WHERE e.performance_year = $performance_year
        AND e.start_date <= r.last_day
        AND coalesce(e.end_date >= r.first_day, TRUE)
),

-- DFC's row goes before the QIP's.
contract AS (
    SELECT
        ccn,
        measure,
        program,
        value,
        row_number() OVER (PARTITION BY ccn, measure ORDER BY program) AS place
    FROM facility.contract
    WHERE performance_year = $performance_year AND reportable AND value IS NOT NULL
),

month_of AS (
    SELECT
        e.activity,
        e.ccn,
        e.start_date,
        i.numerator,
        i.denominator,
        i.unit,
        i.counted,
        p.of_year,
        p.least_units,
        row_number() OVER (
            PARTITION BY e.activity, e.ccn, e.start_date ORDER BY i.month DESC
        ) AS from_last
    FROM enrolled AS e
    JOIN network.indicator AS i
        ON i.level = 'facility'
        AND i.group_name = e.ccn
        AND i.indicator = e.measure
        AND i.month BETWEEN date_trunc('month', e.measured_from) AND e.measured_to
        AND i.performance_year = $performance_year
    JOIN parameter.network_indicator AS p ON p.indicator = i.indicator
),

summed AS (
    SELECT
        activity,
        ccn,
        start_date,
        unit,
        counted,
        least_units,
        CAST(sum(numerator) AS BIGINT) AS numerator,
        CAST(sum(CAST(denominator AS DECIMAL(38, 18))) AS DOUBLE) AS denominator
    FROM month_of
    WHERE of_year <> 'last' OR from_last = 1
    GROUP BY activity, ccn, start_date, unit, counted, least_units
),

indicated AS (
    SELECT
        activity,
        ccn,
        start_date,
        denominator AS size,
        CASE WHEN counted = 'patients' THEN numerator END AS events,
        shared.indicator_value(unit, least_units, numerator, denominator) AS value
    FROM summed
),

contact AS (
    SELECT
        e.activity,
        e.ccn,
        e.start_date,
        c.contact_date,
        c.escalation,
        row_number() OVER (
            PARTITION BY e.activity, e.ccn, e.start_date
            ORDER BY c.contact_date DESC, c.escalation DESC, c.kind
        ) AS from_last
    FROM enrolled AS e
    CROSS JOIN rule AS r
    JOIN raw.network_contact AS c
        ON c.activity = e.activity
        AND c.ccn = e.ccn
        AND c.contact_date BETWEEN e.start_date AND coalesce(e.end_date, r.last_day)
        AND c.performance_year = $performance_year
),

contacted AS (
    SELECT
        activity,
        ccn,
        start_date,
        count(*) AS contact_count,
        max(contact_date) AS last_contact,
        max(CASE WHEN from_last = 1 THEN escalation END) AS escalation
    FROM contact
    GROUP BY activity, ccn, start_date
),

mentored AS (
    SELECT e.activity, e.ccn, e.start_date, count(DISTINCT m.mentor_ccn) AS mentor_count
    FROM enrolled AS e
    CROSS JOIN rule AS r
    JOIN raw.network_mentor_pair AS m
        ON m.activity = e.activity
        AND m.mentee_ccn = e.ccn
        AND m.start_date <= coalesce(e.end_date, r.last_day)
        AND coalesce(m.end_date >= greatest(e.start_date, r.first_day), TRUE)
        AND m.performance_year = $performance_year
    GROUP BY e.activity, e.ccn, e.start_date
),

valued AS (
    SELECT
        e.*,
        c.program,
        coalesce(c.value, i.value) AS value,
        i.size,
        i.events
    FROM enrolled AS e
    LEFT JOIN contract AS c ON c.ccn = e.ccn AND c.measure = e.measure AND c.place = 1
    LEFT JOIN indicated AS i
        ON i.activity = e.activity AND i.ccn = e.ccn AND i.start_date = e.start_date
)

SELECT
    v.activity,
    v.ccn,
    v.start_date,
    $performance_year AS performance_year,
    v.network,
    v.priority,
    v.measure,
    v.program,
    v.goal,
    v.goal_unit,
    v.goal_direction,
    CASE
        WHEN v.graduated_on IS NOT NULL AND v.end_date IS NOT NULL THEN 'graduated'
        WHEN v.end_date IS NOT NULL THEN 'left'
        ELSE 'in'
    END AS place,
    v.end_date,
    CASE WHEN v.end_date IS NOT NULL THEN v.graduated_on END AS graduated_on,
    v.value,
    v.size,
    v.events,
    CASE
        WHEN v.goal_direction = 'at_most' THEN v.value <= v.goal
        WHEN v.goal_direction = 'at_least' THEN v.value >= v.goal
    END AS reaches_goal,
    coalesce(c.contact_count, 0) AS contact_count,
    c.last_contact,
    coalesce(c.escalation, 0) AS escalation,
    coalesce(m.mentor_count, 0) AS mentor_count
FROM valued AS v
LEFT JOIN contacted AS c
    ON c.activity = v.activity AND c.ccn = v.ccn AND c.start_date = v.start_date
LEFT JOIN mentored AS m
    ON m.activity = v.activity AND m.ccn = v.ccn AND m.start_date = v.start_date
