-- One row: the last day to which the year's files let one follow a patient in claims. Manual
-- 2.26.10: the 30 days after a discharge may lie in the next year.
-- Reading: an extract is cut by months. A month after the year is there if it holds at least half
-- of the hospital claims of the year's average month, and the months before it are there.
WITH
counted AS (
    SELECT
        (year(last_date) - $performance_year) * 12 + month(last_date) AS month_number,
        count(*) AS claims
    FROM linkage.claim
    WHERE performance_year = $performance_year
        AND claim_type IN ('40', '60')
        AND last_date BETWEEN make_date($performance_year, 1, 1)
            AND make_date($performance_year + 1, 12, 31)
    GROUP BY (year(last_date) - $performance_year) * 12 + month(last_date)
),

usual AS (
    SELECT coalesce(sum(CASE WHEN month_number <= 12 THEN claims END), 0) / 12.0 AS claims
    FROM counted
),

later AS (
    SELECT 12 + month(month) AS month_number
    FROM history.calendar_month
    WHERE performance_year = $performance_year
),

absent AS (
    SELECT coalesce(min(l.month_number), 25) AS month_number
    FROM later AS l
    CROSS JOIN usual AS u
    LEFT JOIN counted AS c ON c.month_number = l.month_number
    WHERE coalesce(c.claims, 0) = 0 OR c.claims < u.claims / 2
)

SELECT
    $performance_year AS performance_year,
    CASE
        WHEN month_number = 13 THEN make_date($performance_year, 12, 31)
        ELSE last_day(make_date($performance_year + 1, CAST(month_number - 13 AS INTEGER), 1))
    END AS last_date
FROM absent
