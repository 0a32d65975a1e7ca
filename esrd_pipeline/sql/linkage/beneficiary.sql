-- One row: a beneficiary with enrollment or claims in the folders of the year or of the three
-- before it, and the matching EQRS patient. Manual 3.2.1. Without a match patient_id is the
-- negative beneficiary number. Readings. Several EQRS patients with one identifier and birth date
-- are not a match, and the next look-up is tried (reading 30). The matching of a year is that of
-- its calculation: claims of earlier years belong to the EQRS patient known today, found by the
-- newest enrollment record (reading 100). A SELECT that reads claims of any year joins this year's
-- rows by beneficiary alone. Four years are those of SMR's claims (2.14.10.4); carrier claims are
-- read of the year and the one before only. A match with one typing error counts in both programs
-- (reading 103).
WITH
enrolled AS (
    SELECT DISTINCT bene_id
    FROM raw.medicare_enrollment
    WHERE performance_year BETWEEN $performance_year - 3 AND $performance_year
),

matched AS (
    SELECT bene_id, patient_id, identifier, looked_in
    FROM linkage.match_audit
    WHERE performance_year = $performance_year AND result = 'match'
),

seen AS (
    SELECT bene_id
    FROM enrolled
    UNION
    SELECT bene_id
    FROM raw.claim
    WHERE performance_year BETWEEN $performance_year - 3 AND $performance_year
    UNION
    SELECT bene_id
    FROM raw.carrier_claim
    WHERE performance_year BETWEEN $performance_year - 1 AND $performance_year
)

SELECT
    s.bene_id,
    $performance_year AS performance_year,
    -- Below zero, where no EQRS patient is, and no two of them alike. Medicare's synthetic files
    -- count below zero themselves: their numbers lie lower than those of numbers of up to 18
    -- digits, and the numbers of identifiers that are text (data/README.md) lower still.
    coalesce(
        m.patient_id,
        CASE
            WHEN s.bene_id > 0 THEN -s.bene_id
            WHEN s.bene_id <= -5000000000000000000 THEN s.bene_id
            ELSE s.bene_id - 4000000000000000000
        END
    ) AS patient_id,
    m.patient_id IS NOT NULL AS is_matched,
    m.identifier AS matched_by,
    m.looked_in AS matched_in,
    CASE
        WHEN m.patient_id IS NOT NULL THEN NULL
        WHEN e.bene_id IS NULL THEN 'no_enrollment_record'
        ELSE 'no_matching_eqrs_patient'
    END AS reason
FROM seen AS s
LEFT JOIN enrolled AS e ON e.bene_id = s.bene_id
LEFT JOIN matched AS m ON m.bene_id = s.bene_id
