-- One row: a month of the performance year.
WITH
twelve AS (
    SELECT CAST(number AS INTEGER) AS month_number
    FROM (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12)) AS v (number)
)

SELECT
    make_date($performance_year, month_number, 1) AS month,
    $performance_year AS performance_year,
    last_day(make_date($performance_year, month_number, 1)) AS month_end
FROM twelve
