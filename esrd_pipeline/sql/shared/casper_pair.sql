-- One row: a hospital unit's number and its hospital's in one program, by CASPER's related numbers,
-- which are reported with either of them. Reads `casper` (number, related, facility_type), `type`
-- (middle_digits, facility_type) and `program`. Manual 3.3.4 steps 5.1 and 5.2.
WITH
casper_unit AS (
    SELECT number AS unit, related AS hospital
    FROM casper
    WHERE facility_type IN ('hospital based', 'hospital satellite')
    UNION
    SELECT related AS unit, number AS hospital FROM casper WHERE facility_type = 'hospital'
)

SELECT p.program, c.unit AS number, c.hospital
FROM casper_unit AS c
JOIN type AS u
    ON u.middle_digits = substr(c.unit, 3, 2)
    AND u.facility_type IN ('hospital based', 'hospital satellite')
JOIN type AS h
    ON h.middle_digits = substr(c.hospital, 3, 2) AND h.facility_type = 'hospital'
CROSS JOIN program AS p
WHERE regexp_matches(c.unit, '^[0-9A-Z][0-9]{4}[0-9F]$')
    AND regexp_matches(c.hospital, '^[0-9A-Z][0-9]{4}[0-9F]$')
