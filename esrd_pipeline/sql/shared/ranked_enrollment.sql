-- One row: a year's Medicare enrollment of one beneficiary, with the day of death it tells; the newest
-- has place 1. Manual 3.1.6.
SELECT
    bene_id,
    bene_death_dt,
    row_number() OVER (PARTITION BY bene_id ORDER BY performance_year DESC) AS place
FROM raw.medicare_enrollment
WHERE performance_year BETWEEN $performance_year - 1 AND $performance_year
