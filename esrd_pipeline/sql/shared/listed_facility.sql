-- One row: a facility of the DFC list of the year. Manual 2.1; indicators of the ESRD Networks are
-- of these facilities.
SELECT ccn, network, state, dialysis_organization
FROM linkage.facility
WHERE performance_year = $performance_year AND program = 'dfc' AND is_eligible
