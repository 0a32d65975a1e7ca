-- One row: one month of one facility in one measure of patient-months (Dialysis Facility Measures):
-- patients counted, and those of them in the numerator. Manual 2.1, 2.3 to 2.8, 2.19; reading 213.
SELECT
    ccn,
    measure,
    month,
    $performance_year AS performance_year,
    count(CASE WHEN is_in_numerator THEN 1 END) AS numerator,
    count(*) AS denominator
FROM shared.measured_month AS m
WHERE program = 'dfc' AND reason IS NULL AND ccn IS NOT NULL
GROUP BY ccn, measure, month
