-- One row: one idea of a priority's change package, with the rules of high performers that the
-- facility it comes from meets for the priority this year.
-- ESRD KHARES & 18 ESRD Networks: change packages from high performers.
WITH
high AS (
    SELECT ccn, priority, count(*) AS rule_count
    FROM network.candidate
    WHERE performance_year = $performance_year AND standing = 'high'
    GROUP BY ccn, priority
)

SELECT
    i.idea,
    $performance_year AS performance_year,
    i.priority,
    i.driver,
    i.text,
    i.source_ccn,
    i.reference,
    CASE WHEN i.source_ccn IS NOT NULL THEN coalesce(h.rule_count, 0) END AS high_rule_count
FROM raw.network_change_idea AS i
LEFT JOIN high AS h ON h.ccn = i.source_ccn AND h.priority = i.priority
WHERE i.performance_year = $performance_year
