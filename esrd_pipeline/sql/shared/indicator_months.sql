-- One row: an indicator of one month at one facility of the DFC list. Reads `counted`: ccn, month,
-- indicator, numerator, denominator, of any facility and as many rows as there are.
-- ESRD KHARES & 18 ESRD Networks: the four priorities.
SELECT
    c.ccn,
    c.month,
    c.indicator,
    $performance_year AS performance_year,
    CAST(sum(c.numerator) AS BIGINT) AS numerator,
    CAST(sum(c.denominator) AS BIGINT) AS denominator
FROM counted AS c
JOIN shared.listed_facility AS l ON l.ccn = c.ccn
GROUP BY c.ccn, c.month, c.indicator
HAVING sum(c.numerator) + sum(c.denominator) > 0
