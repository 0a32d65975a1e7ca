-- One row: a facility's CCN in one program, and the days on which it is the facility's; the last day
-- is far off where the number goes on. Manual 3.3.4.
SELECT
    program,
    facilityid,
    ccn,
    start_date,
    coalesce(end_date, DATE '9999-12-31') AS end_date
FROM linkage.facility_ccn
WHERE performance_year = $performance_year
