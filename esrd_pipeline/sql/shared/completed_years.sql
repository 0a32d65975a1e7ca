-- One value, of birth_date and on_date: age in completed years. A birthday on 29 February is kept on
-- 1 March of other years.
SELECT
    year(on_date) - year(birth_date)
    - CASE
        WHEN month(on_date) * 100 + day(on_date) < month(birth_date) * 100 + day(birth_date) THEN 1
        ELSE 0
    END AS completed_years
