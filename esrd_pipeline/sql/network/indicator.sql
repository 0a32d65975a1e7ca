-- One row: an indicator of one month at one place: the nation, an ESRD Network, a state, a chain or
-- a facility. ESRD KHARES & 18 ESRD Networks: the four priorities.
-- Reading 200: numerators and denominators of the facilities of the DFC list are added up and
-- divided once; Network, state and chain are the facility's, independent facilities together are
-- one chain. A patient-month is a month's days of treatment over the days of the month.
WITH
listed AS (
    SELECT ccn, network, state, dialysis_organization
    FROM linkage.facility
    WHERE performance_year = $performance_year AND program = 'dfc' AND is_eligible
),

place AS (
    SELECT 'nation' AS level, 'US' AS place, ccn FROM listed
    UNION ALL
    SELECT 'network' AS level, CAST(network AS VARCHAR) AS place, ccn
    FROM listed
    WHERE network IS NOT NULL
    UNION ALL
    SELECT 'state' AS level, state AS place, ccn FROM listed WHERE state IS NOT NULL
    UNION ALL
    SELECT 'chain' AS level, dialysis_organization AS place, ccn
    FROM listed
    WHERE dialysis_organization IS NOT NULL
    UNION ALL
    SELECT 'facility' AS level, ccn AS place, ccn FROM listed
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
        p.level,
        p.place,
        c.month,
        c.indicator,
        count(*) AS facility_count,
        CAST(sum(c.numerator) AS BIGINT) AS numerator,
        CAST(sum(c.denominator) AS BIGINT) AS denominator
    FROM counted AS c
    JOIN place AS p ON p.ccn = c.ccn
    GROUP BY p.level, p.place, c.month, c.indicator
),

-- Of rates the denominator so far is days.
measured AS (
    SELECT
        s.*,
        i.unit,
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
    place,
    month,
    indicator,
    $performance_year AS performance_year,
    facility_count,
    numerator,
    units AS denominator,
    CASE WHEN units > 0 THEN scale * numerator / units END AS value,
    unit
FROM measured
