-- One row: one goal of one Network for an indicator, of those whose months touch the year, beside the
-- Network's value over these months as far as they are in it. ESRD KHARES & 18 ESRD Networks: the
-- four priorities. Reading 231: events and denominators of the months are added up and divided once;
-- of an indicator that tells the year so far, the last month counts. No value where the denominator is
-- below least_units of parameters/network_indicator.csv.
WITH
goal AS (
    SELECT
        g.*,
        greatest(g.first_month, make_date($performance_year, 1, 1)) AS counted_first,
        least(g.last_month, make_date($performance_year, 12, 1)) AS counted_last
    FROM raw.network_goal AS g
    WHERE g.performance_year = $performance_year
        AND g.first_month <= make_date($performance_year, 12, 1)
        AND g.last_month >= make_date($performance_year, 1, 1)
),

month_of AS (
    SELECT
        g.network,
        g.priority,
        g.indicator,
        g.first_month,
        i.numerator,
        i.denominator,
        i.counted,
        row_number() OVER (
            PARTITION BY g.network, g.priority, g.indicator, g.first_month ORDER BY i.month DESC
        ) AS from_last
    FROM goal AS g
    JOIN network.indicator AS i
        ON i.level = 'network'
        AND i.group_name = CAST(g.network AS VARCHAR)
        AND i.indicator = g.indicator
        AND i.month BETWEEN g.counted_first AND g.counted_last
        AND i.performance_year = $performance_year
),

summed AS (
    SELECT
        m.network,
        m.priority,
        m.indicator,
        m.first_month,
        m.counted,
        count(*) AS month_count,
        CAST(sum(m.numerator) AS BIGINT) AS numerator,
        CAST(sum(CAST(m.denominator AS DECIMAL(38, 18))) AS DOUBLE) AS denominator
    FROM month_of AS m
    JOIN parameter.network_indicator AS p ON p.indicator = m.indicator
    WHERE p.of_year <> 'last' OR m.from_last = 1
    GROUP BY m.network, m.priority, m.indicator, m.first_month, m.counted
),

valued AS (
    SELECT
        s.*,
        shared.indicator_value(p.unit, p.least_units, s.numerator, s.denominator) AS value
    FROM summed AS s
    JOIN parameter.network_indicator AS p ON p.indicator = s.indicator
)

SELECT
    g.network,
    g.priority,
    g.indicator,
    g.first_month,
    $performance_year AS performance_year,
    g.last_month,
    g.goal,
    g.direction,
    p.unit,
    coalesce(v.month_count, 0) AS month_count,
    coalesce(v.denominator, 0) AS size,
    CASE WHEN v.counted = 'patients' THEN v.numerator END AS events,
    v.value,
    CASE g.direction WHEN 'at_most' THEN v.value <= g.goal ELSE v.value >= g.goal END AS reaches_goal
FROM goal AS g
JOIN parameter.network_indicator AS p ON p.indicator = g.indicator
LEFT JOIN valued AS v
    ON v.network = g.network
    AND v.priority = g.priority
    AND v.indicator = g.indicator
    AND v.first_month = g.first_month
