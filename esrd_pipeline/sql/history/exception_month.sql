-- One row: a month of the year, or of the year before, for which CMS granted a facility an
-- extraordinary circumstances exception. Manual 3.4. Grants to a facility may overlap.
WITH
calendar AS (
    SELECT month FROM history.calendar_month WHERE performance_year = $performance_year
),

two_years AS (
    SELECT month FROM calendar
    UNION ALL
    SELECT CAST(month - INTERVAL 1 YEAR AS DATE) AS month FROM calendar
)

SELECT DISTINCT
    e.ccn,
    t.month,
    $performance_year AS performance_year
FROM raw.ece_grant AS e
JOIN two_years AS t ON t.month BETWEEN e.first_month AND e.last_month
WHERE e.performance_year = $performance_year
