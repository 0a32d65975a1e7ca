-- One row: an indicator of one month in one group of facilities: the nation, an ESRD Network, a
-- state, a chain, or one facility alone. ESRD KHARES & 18 ESRD Networks: the four priorities.
-- Reading 200: numerators and denominators of the facilities of the DFC list are added up and
-- divided once; Network, state and chain are the facility's, independent facilities together are
-- one chain; a group unknown has those whose own is not known. A patient-month is a month's days of treatment over the days of the month.
WITH
listed AS (
    SELECT * FROM shared.listed_facility AS f
),

member AS (
    SELECT 'nation' AS level, 'nation' AS group_name, ccn FROM listed
    UNION ALL
    SELECT 'network' AS level, coalesce(CAST(network AS VARCHAR), 'unknown') AS group_name, ccn
    FROM listed
    UNION ALL
    SELECT 'state' AS level, coalesce(state, 'unknown') AS group_name, ccn FROM listed
    UNION ALL
    SELECT 'chain' AS level, coalesce(dialysis_organization, 'unknown') AS group_name, ccn
    FROM listed
    UNION ALL
    SELECT 'facility' AS level, ccn AS group_name, ccn FROM listed
),

counted AS (
    SELECT ccn, month, indicator, numerator, denominator
    FROM network.choice
    WHERE performance_year = $performance_year
    UNION ALL
    SELECT ccn, month, indicator, numerator, denominator
    FROM network.coordination
    WHERE performance_year = $performance_year
    UNION ALL
    SELECT ccn, month, indicator, numerator, denominator
    FROM network.whole_health
    WHERE performance_year = $performance_year
    UNION ALL
    SELECT ccn, month, indicator, numerator, denominator
    FROM network.interoperability
    WHERE performance_year = $performance_year
),

summed AS (
    SELECT
        m.level,
        m.group_name,
        c.month,
        c.indicator,
        count(*) AS facility_count,
        CAST(sum(c.numerator) AS BIGINT) AS numerator,
        CAST(sum(c.denominator) AS BIGINT) AS denominator
    FROM counted AS c
    JOIN member AS m ON m.ccn = c.ccn
    GROUP BY m.level, m.group_name, c.month, c.indicator
),

-- Of rates the denominator so far is days.
measured AS (
    SELECT
        s.*,
        i.unit,
        CASE
            WHEN i.denominator_unit LIKE 'patient%' THEN 'patients'
            WHEN i.denominator_unit LIKE 'personnel%' THEN 'personnel'
            ELSE 'months'
        END AS counted,
        CASE i.unit WHEN 'share' THEN 1.0 ELSE 100.0 END AS scale,
        CASE i.unit
            WHEN 'share' THEN 1.0 * s.denominator
            ELSE 1.0 * s.denominator / day(last_day(s.month))
        END AS units
    FROM summed AS s
    JOIN parameter.network_indicator AS i ON i.indicator = s.indicator
)

SELECT
    level,
    group_name,
    month,
    indicator,
    $performance_year AS performance_year,
    facility_count,
    numerator,
    units AS denominator,
    CASE WHEN units > 0 THEN scale * numerator / units END AS value,
    unit,
    counted
FROM measured
