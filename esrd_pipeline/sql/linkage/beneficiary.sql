-- One row: a beneficiary with enrollment or claims in the folders of the year or of the three
-- before it, and the matching EQRS patient. Manual 3.2.1. Without a match patient_id is the negative
-- beneficiary number.
-- Readings. Several EQRS patients with one identifier and birth date are not a match, and the next
-- look-up is tried. The matching of a year is that of its calculation: claims of earlier years
-- belong to the EQRS patient known today, found by the newest enrollment record (reading 100). A
-- SELECT that reads claims of any year joins this year's rows by beneficiary alone. Four years are
-- those of SMR's claims (2.14.10.4); carrier claims are read of the year and the one before only.
WITH
ranked_enrollment AS (
    SELECT
        bene_id,
        mbi_num AS mbi,
        bene_crnt_hic_num AS hicn,
        bene_ssn_num AS ssn,
        bene_birth_dt,
        row_number() OVER (PARTITION BY bene_id ORDER BY performance_year DESC) AS place
    FROM raw.medicare_enrollment
    WHERE performance_year BETWEEN $performance_year - 3 AND $performance_year
),

enrolled AS (
    SELECT bene_id, mbi, hicn, ssn, bene_birth_dt FROM ranked_enrollment WHERE place = 1
),

matched AS (
    SELECT bene_id, lookup, identifier, looked_in
    FROM linkage.match_audit
    WHERE performance_year = $performance_year AND result = 'match'
),

finder AS (
    SELECT patient_id, mbi, hicn, ssn, date_of_birth
    FROM raw.eqrs_patient
    WHERE performance_year = $performance_year
),

history AS (
    SELECT h.patient_id, h.mbi, h.hicn, f.date_of_birth
    FROM raw.eqrs_identifier AS h
    JOIN finder AS f ON f.patient_id = h.patient_id
    WHERE h.performance_year = $performance_year
),

known AS (
    SELECT 1 AS lookup, mbi AS value, date_of_birth, patient_id
    FROM finder
    WHERE mbi IS NOT NULL
    UNION
    SELECT 2, mbi, date_of_birth, patient_id
    FROM history
    WHERE mbi IS NOT NULL
    UNION
    SELECT 3, hicn, date_of_birth, patient_id
    FROM finder
    WHERE hicn IS NOT NULL
    UNION
    SELECT 4, hicn, date_of_birth, patient_id
    FROM history
    WHERE hicn IS NOT NULL
    UNION
    SELECT 5, ssn, date_of_birth, patient_id
    FROM finder
    WHERE ssn IS NOT NULL
),

linked AS (
    SELECT
        m.bene_id,
        m.identifier,
        m.looked_in,
        min(k.patient_id) AS patient_id
    FROM matched AS m
    JOIN enrolled AS e ON e.bene_id = m.bene_id
    JOIN known AS k
        ON k.lookup = m.lookup
        AND k.date_of_birth = e.bene_birth_dt
        AND k.value
            = CASE WHEN m.lookup <= 2 THEN e.mbi WHEN m.lookup <= 4 THEN e.hicn ELSE e.ssn END
    GROUP BY m.bene_id, m.identifier, m.looked_in
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
    coalesce(l.patient_id, -s.bene_id) AS patient_id,
    l.patient_id IS NOT NULL AS is_matched,
    l.identifier AS matched_by,
    l.looked_in AS matched_in,
    CASE
        WHEN l.patient_id IS NOT NULL THEN NULL
        WHEN e.bene_id IS NULL THEN 'no_enrollment_record'
        ELSE 'no_matching_eqrs_patient'
    END AS reason
FROM seen AS s
LEFT JOIN enrolled AS e ON e.bene_id = s.bene_id
LEFT JOIN linked AS l ON l.bene_id = s.bene_id
