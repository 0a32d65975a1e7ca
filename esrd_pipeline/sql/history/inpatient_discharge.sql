-- One row: a discharge of one patient from one hospital or unit, of the year or the one before,
-- with the facts of its stay that SRR and ED30 use. Manual 2.10.8, 2.10.10, 2.11.8, 2.11.11,
-- 2.26.10.
-- Readings: claims of one hospital that overlap, begin on the day another ends, or follow an
-- interim bill (30) by a day are one stay; an acute stay that begins before, on or the day after
-- another ends elsewhere is a transfer, and the joined stays are one episode, whose last hospital
-- is the discharging one, and whose first covered stay is the admission; a stay in a hospital's
-- unit for hospice (hospice_revenue_center.csv) is one apart, and not acute, nor is a children's
-- hospital (reading 280); managed care claims are Medicare-covered; episodes are numbered by
-- admission, in the calendar year of admission (reading 146). Planned (2.10.10 i, ii) goes by
-- every procedure of the stay and the principal diagnosis of its first claim; the principal
-- diagnosis stored is its last claim's.
WITH
rehabilitation AS (
    SELECT DISTINCT l.clm_id, l.performance_year
    FROM raw.claim_revenue AS l
    JOIN parameter.rehabilitation_revenue_center AS r ON r.rev_cntr = l.rev_cntr
    WHERE l.performance_year BETWEEN $performance_year - 1 AND $performance_year
),

hospice AS (
    SELECT DISTINCT l.clm_id, l.performance_year
    FROM raw.claim_revenue AS l
    JOIN parameter.hospice_revenue_center AS r ON r.rev_cntr = l.rev_cntr
    WHERE l.performance_year BETWEEN $performance_year - 1 AND $performance_year
),

claim AS (
    SELECT
        k.patient_id,
        k.clm_id,
        coalesce(c.prvdr_num, '') AS hospital_ccn,
        k.admit_date,
        k.last_date,
        c.ptnt_dschrg_stus_cd,
        c.prncpal_dgns_cd,
        k.is_managed_care OR n.clm_mdcr_non_pmt_rsn_cd IS NULL AS is_covered,
        r.clm_id IS NOT NULL AS is_rehabilitation,
        CASE WHEN h.clm_id IS NULL THEN 0 ELSE 1 END AS is_hospice,
        [
            c.icd_prcdr_cd1, c.icd_prcdr_cd2, c.icd_prcdr_cd3, c.icd_prcdr_cd4, c.icd_prcdr_cd5,
            c.icd_prcdr_cd6, c.icd_prcdr_cd7, c.icd_prcdr_cd8, c.icd_prcdr_cd9,
            c.icd_prcdr_cd10, c.icd_prcdr_cd11, c.icd_prcdr_cd12, c.icd_prcdr_cd13,
            c.icd_prcdr_cd14, c.icd_prcdr_cd15, c.icd_prcdr_cd16, c.icd_prcdr_cd17,
            c.icd_prcdr_cd18, c.icd_prcdr_cd19, c.icd_prcdr_cd20, c.icd_prcdr_cd21,
            c.icd_prcdr_cd22, c.icd_prcdr_cd23, c.icd_prcdr_cd24, c.icd_prcdr_cd25
        ] AS procedures
    FROM linkage.claim AS k
    JOIN raw.claim AS c ON c.clm_id = k.clm_id AND c.performance_year = k.claim_year
    LEFT JOIN parameter.noncovered_reason AS n
        ON n.clm_mdcr_non_pmt_rsn_cd = c.clm_mdcr_non_pmt_rsn_cd
    LEFT JOIN rehabilitation AS r
        ON r.clm_id = k.clm_id AND r.performance_year = k.claim_year
    LEFT JOIN hospice AS h ON h.clm_id = k.clm_id AND h.performance_year = k.claim_year
    WHERE k.performance_year = $performance_year
        AND k.claim_type = '60'
        AND c.performance_year BETWEEN $performance_year - 1 AND $performance_year
),

covid_claim AS (
    SELECT DISTINCT clm_id
    FROM history.covid_claim
    WHERE performance_year = $performance_year AND claim_type = '60'
),

procedure AS (
    SELECT DISTINCT clm_id, code
    FROM (SELECT clm_id, unnest(procedures) AS code FROM claim) AS p
    WHERE code IS NOT NULL
),

procedure_code AS (
    SELECT DISTINCT code FROM procedure
),

procedure_role AS (
    SELECT p.code, r.role
    FROM procedure_code AS p
    JOIN parameter.ccs_procedure AS c ON c.code = p.code
    JOIN parameter.planned_readmission_category AS r
        ON r.category = c.category
        AND r.role IN ('always planned procedure', 'potentially planned procedure')
    UNION
    SELECT p.code, r.role
    FROM procedure_code AS p
    JOIN parameter.planned_readmission_code AS r
        ON starts_with(p.code, r.code_prefix) AND r.role = 'potentially planned procedure'
),

planned_procedure AS (
    SELECT
        p.clm_id,
        max(CASE WHEN r.role = 'always planned procedure' THEN 1 ELSE 0 END) AS is_always,
        max(CASE WHEN r.role = 'potentially planned procedure' THEN 1 ELSE 0 END) AS is_potential
    FROM procedure AS p
    JOIN procedure_role AS r ON r.code = p.code
    GROUP BY p.clm_id
),

-- One stay in one hospital, or in its unit for hospice.
ordered AS (
    SELECT
        *,
        max(last_date) OVER (
            PARTITION BY patient_id, hospital_ccn, is_hospice
            ORDER BY admit_date, last_date, clm_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS before_last,
        -- The claim before is the one that ended last, not the row before.
        max(CASE WHEN ptnt_dschrg_stus_cd = '30' THEN last_date END) OVER (
            PARTITION BY patient_id, hospital_ccn, is_hospice
            ORDER BY admit_date, last_date, clm_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS before_interim
    FROM claim
),

numbered AS (
    SELECT
        *,
        sum(
            CASE
                WHEN admit_date <= before_last
                    OR (admit_date = before_last + 1 AND before_interim = before_last)
                    THEN 0
                ELSE 1
            END
        ) OVER (
            PARTITION BY patient_id, hospital_ccn, is_hospice
            ORDER BY admit_date, last_date, clm_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS number
    FROM ordered
),

placed AS (
    SELECT
        n.*,
        v.clm_id IS NOT NULL AS is_covid,
        coalesce(p.is_always, 0) AS is_always,
        coalesce(p.is_potential, 0) AS is_potential,
        row_number() OVER (
            PARTITION BY n.patient_id, n.hospital_ccn, n.is_hospice, n.number
            ORDER BY n.admit_date, n.last_date, n.clm_id
        ) AS first_place,
        row_number() OVER (
            PARTITION BY n.patient_id, n.hospital_ccn, n.is_hospice, n.number
            ORDER BY n.last_date DESC, n.admit_date DESC, n.clm_id DESC
        ) AS last_place
    FROM numbered AS n
    LEFT JOIN covid_claim AS v ON v.clm_id = n.clm_id
    LEFT JOIN planned_procedure AS p ON p.clm_id = n.clm_id
),

stay AS (
    SELECT
        patient_id,
        hospital_ccn,
        is_hospice,
        min(admit_date) AS admit_date,
        max(last_date) AS discharge_date,
        max(CASE WHEN first_place = 1 THEN prncpal_dgns_cd END) AS admitting_diagnosis,
        max(CASE WHEN last_place = 1 THEN prncpal_dgns_cd END) AS principal_diagnosis,
        max(CASE WHEN last_place = 1 THEN ptnt_dschrg_stus_cd END) AS discharge_status,
        max(CASE WHEN is_covered THEN 1 ELSE 0 END) AS is_covered,
        max(CASE WHEN is_rehabilitation THEN 1 ELSE 0 END) AS is_rehabilitation,
        max(CASE WHEN is_covid THEN 1 ELSE 0 END) AS is_covid,
        max(is_always) AS is_always,
        max(is_potential) AS is_potential
    FROM placed
    GROUP BY patient_id, hospital_ccn, is_hospice, number
),

hospital AS (
    SELECT DISTINCT hospital_ccn FROM stay
),

described_hospital AS (
    SELECT
        h.hospital_ccn,
        coalesce(max(k.kind), 'other') AS kind,
        max(CASE WHEN x.ccn IS NOT NULL THEN 1 ELSE 0 END) AS is_cancer_hospital
    FROM hospital AS h
    LEFT JOIN parameter.hospital_number AS k
        ON substring(h.hospital_ccn, 3, 1) = k.unit
        OR (
            -- A letter in the sixth place marks a hospital that does not participate in Medicare.
            substring(h.hospital_ccn, 3, 4) BETWEEN k.first_number AND k.last_number
            AND substring(h.hospital_ccn, 6, 1) BETWEEN '0' AND '9'
        )
    LEFT JOIN parameter.cancer_hospital AS x ON x.ccn = h.hospital_ccn
    GROUP BY h.hospital_ccn
),

-- Transfers: adjacent or overlapping acute stays, in the same hospital only if they share a day.
acute AS (
    SELECT
        s.patient_id,
        s.hospital_ccn,
        s.admit_date,
        s.discharge_date,
        s.is_covered,
        max(s.discharge_date) OVER (
            PARTITION BY s.patient_id
            ORDER BY s.admit_date, s.discharge_date, s.hospital_ccn
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS before_last
    FROM stay AS s
    JOIN described_hospital AS h ON h.hospital_ccn = s.hospital_ccn
    WHERE h.kind IN ('acute', 'critical access') AND s.is_hospice = 0
),

-- Of several stays that end on one day, any one elsewhere makes a transfer.
followed AS (
    SELECT DISTINCT s.patient_id, s.hospital_ccn, s.admit_date
    FROM acute AS s
    JOIN acute AS b
        ON b.patient_id = s.patient_id
        AND b.discharge_date = s.admit_date - 1
        AND b.hospital_ccn <> s.hospital_ccn
),

joined AS (
    SELECT
        s.*,
        sum(
            CASE WHEN s.admit_date <= s.before_last OR f.patient_id IS NOT NULL THEN 0 ELSE 1 END
        ) OVER (
            PARTITION BY s.patient_id
            ORDER BY s.admit_date, s.discharge_date, s.hospital_ccn
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS episode
    FROM acute AS s
    LEFT JOIN followed AS f
        ON f.patient_id = s.patient_id
        AND f.hospital_ccn = s.hospital_ccn
        AND f.admit_date = s.admit_date
),

episode_place AS (
    SELECT
        *,
        min(admit_date) OVER (PARTITION BY patient_id, episode) AS episode_admit_date,
        row_number() OVER (
            PARTITION BY patient_id, episode ORDER BY admit_date, discharge_date, hospital_ccn
        ) AS first_place,
        row_number() OVER (
            PARTITION BY patient_id, episode
            ORDER BY discharge_date DESC, admit_date DESC, hospital_ccn DESC
        ) AS last_place,
        row_number() OVER (
            PARTITION BY patient_id, episode
            ORDER BY is_covered DESC, admit_date, discharge_date, hospital_ccn
        ) AS covered_place
    FROM joined
),

episode_order AS (
    SELECT
        patient_id,
        episode,
        row_number() OVER (
            PARTITION BY patient_id, year(episode_admit_date) ORDER BY episode_admit_date, episode
        ) AS order_in_year
    FROM episode_place
    WHERE last_place = 1
),

diagnosis_code AS (
    SELECT admitting_diagnosis AS code FROM stay WHERE admitting_diagnosis IS NOT NULL
    UNION
    SELECT principal_diagnosis AS code FROM stay WHERE principal_diagnosis IS NOT NULL
),

diagnosis AS (
    SELECT d.code, c.category
    FROM diagnosis_code AS d
    LEFT JOIN parameter.ccs_diagnosis AS c ON c.code = d.code
),

diagnosis_role AS (
    SELECT d.code, r.role
    FROM diagnosis AS d
    JOIN parameter.planned_readmission_category AS r
        ON r.category = d.category
        AND r.role IN ('always planned diagnosis', 'acute diagnosis')
    WHERE r.encounter = 'any' OR substring(d.code, 7, 1) IN ('', 'A', 'B', 'C')
    UNION
    SELECT d.code, r.role
    FROM diagnosis AS d
    JOIN parameter.planned_readmission_code AS r
        ON starts_with(d.code, r.code_prefix) AND r.role = 'acute diagnosis'
),

planned_diagnosis AS (
    SELECT
        code,
        max(CASE WHEN role = 'always planned diagnosis' THEN 1 ELSE 0 END) AS is_always,
        max(CASE WHEN role = 'acute diagnosis' THEN 1 ELSE 0 END) AS is_acute
    FROM diagnosis_role
    GROUP BY code
)

SELECT
    s.patient_id,
    row_number() OVER (
        PARTITION BY s.patient_id
        ORDER BY s.admit_date, s.discharge_date, s.hospital_ccn, s.is_hospice
    ) AS stay,
    $performance_year AS performance_year,
    s.admit_date,
    s.discharge_date,
    s.hospital_ccn,
    CASE WHEN s.is_hospice = 1 THEN 'other' ELSE h.kind END AS kind,
    h.is_cancer_hospital = 1 AS is_cancer_hospital,
    s.is_covered = 1 AS is_covered,
    s.discharge_status,
    s.principal_diagnosis,
    CAST(g.category AS INTEGER) AS principal_category,
    s.is_rehabilitation = 1 AS is_rehabilitation,
    s.is_always = 1
    OR coalesce(p.is_always, 0) = 1
    OR (s.is_potential = 1 AND coalesce(p.is_acute, 0) = 0) AS is_planned,
    e.episode,
    coalesce(e.episode_admit_date, s.admit_date) AS episode_admit_date,
    coalesce(e.covered_place, 1) = 1 AS is_admission,
    coalesce(e.last_place, 1) > 1 AS is_transferred,
    max(s.is_covid) OVER (
        PARTITION BY s.patient_id, e.episode, CASE WHEN e.episode IS NULL THEN s.hospital_ccn END,
            CASE WHEN e.episode IS NULL THEN s.admit_date END
    ) = 1 AS is_covid,
    o.order_in_year
FROM stay AS s
JOIN described_hospital AS h ON h.hospital_ccn = s.hospital_ccn
LEFT JOIN episode_place AS e
    ON e.patient_id = s.patient_id
    AND e.hospital_ccn = s.hospital_ccn
    AND e.admit_date = s.admit_date
    AND s.is_hospice = 0
LEFT JOIN episode_order AS o ON o.patient_id = e.patient_id AND o.episode = e.episode
LEFT JOIN planned_diagnosis AS p ON p.code = s.admitting_diagnosis
LEFT JOIN diagnosis AS g ON g.code = s.principal_diagnosis
