-- One row: a provider number as a source may report it, and the facility it stands for.
-- Manual 3.3.4 steps 5.4 and 5.5, 3.3.5. Reading: of several links of a number the one to the
-- number of highest standing counts; links CMS approved take precedence over those found here.
WITH
approved AS (
    SELECT program, provider_number, ccn FROM parameter.approved_link
),

known AS (
    SELECT program, provider_number AS number, standing
    FROM linkage.known_number
    WHERE performance_year = $performance_year
),

record AS (
    SELECT program, provider_number AS number, number_rule
    FROM linkage.facility_record
    WHERE performance_year = $performance_year AND is_primary
),

verdict AS (
    SELECT
        p.program,
        p.provider_number AS number,
        p.higher_number AS parent,
        p.relation,
        p.rule,
        p.is_linked,
        p.issue,
        k.standing
    FROM linkage.number_pair AS p
    JOIN known AS k ON k.program = p.program AND k.number = p.higher_number
    WHERE p.performance_year = $performance_year
),

-- Step 5.5.
decided AS (
    SELECT
        program, provider_number AS number, ccn AS parent, 'approved' AS relation,
        'link approved by CMS' AS rule, TRUE AS is_linked, 'approved' AS issue, 0 AS standing
    FROM approved
    UNION ALL
    SELECT v.*
    FROM verdict AS v
    LEFT JOIN (
        SELECT program, provider_number AS number FROM approved
        UNION
        SELECT program, ccn AS number FROM approved
    ) AS a ON a.program = v.program AND a.number = v.number
    WHERE a.number IS NULL
),

best AS (
    SELECT
        program,
        number,
        parent,
        relation,
        rule,
        is_linked,
        row_number() OVER (
            PARTITION BY program, number
            ORDER BY
                CASE WHEN is_linked THEN 0 ELSE 1 END,
                standing,
                CASE issue
                    WHEN 'approved' THEN 1
                    WHEN 'hospital' THEN 2
                    WHEN 'identifier' THEN 3
                    WHEN 'second number' THEN 4
                    WHEN 'likeness' THEN 5
                    ELSE 6
                END,
                parent
        ) AS place
    FROM decided
),

linked AS (
    SELECT
        k.program,
        k.number,
        CASE WHEN b.is_linked THEN b.parent ELSE k.number END AS parent,
        CASE WHEN b.is_linked THEN b.relation ELSE 'own' END AS relation,
        CASE
            WHEN b.is_linked THEN b.rule
            WHEN m.number_rule = 'hospital number: for manual review with CASPER'
                THEN m.number_rule
            WHEN b.rule IS NOT NULL THEN b.rule
            WHEN k.standing = 1 THEN 'listed'
            WHEN k.standing <= 4 THEN 'in the EQRS directory, not listed'
            WHEN k.standing <= 6 THEN 'earlier number of a facility'
            WHEN k.standing = 7 THEN 'second number of a facility'
            WHEN k.standing = 8 THEN 'in CASPER only'
            ELSE 'no facility found'
        END AS rule
    FROM known AS k
    LEFT JOIN best AS b ON b.program = k.program AND b.number = k.number AND b.place = 1
    LEFT JOIN record AS m ON m.program = k.program AND m.number = k.number
),

-- A link may lead to another link: at most eight are followed.
twice AS (
    SELECT l.program, l.number, l.relation, l.rule, m.parent
    FROM linked AS l
    JOIN linked AS m ON m.program = l.program AND m.number = l.parent
),

four_times AS (
    SELECT l.program, l.number, l.relation, l.rule, m.parent
    FROM twice AS l
    JOIN twice AS m ON m.program = l.program AND m.number = l.parent
)

SELECT
    l.program,
    l.number AS provider_number,
    $performance_year AS performance_year,
    m.parent AS ccn,
    l.relation,
    l.rule
FROM four_times AS l
JOIN four_times AS m ON m.program = l.program AND m.number = l.parent
