-- One row: what one payment reduction takes from one facility in dollars, an upper-level estimate:
-- hemodialysis treatments of the performance year x base rate of a treatment x the reduction.
-- Treatments are those of the QIP's months, of all payers; case mix, wages, add-ons and peritoneal
-- dialysis are left out. The base rate is that of the payment year or the last known before it; of a
-- payment year before the first known one, the first. Reading 263; ESRD PPS final rules.
WITH
treated AS (
    SELECT
        ccn,
        count(DISTINCT patient_id) AS patients,
        CAST(sum(sessions) AS BIGINT) AS treatments
    FROM history.reported_month
    WHERE performance_year = $performance_year AND program = 'qip' AND sessions > 0
    GROUP BY ccn
),

known AS (
    SELECT
        CAST(payment_year AS INTEGER) AS rate_year,
        CAST(base_rate AS DECIMAL(9, 2)) AS base_rate,
        min(CAST(payment_year AS INTEGER)) OVER () AS first_year
    FROM parameter.payment_base_rate
),

rated AS (
    SELECT
        rate_year,
        base_rate,
        row_number() OVER (ORDER BY rate_year DESC) AS from_last
    FROM known
    WHERE rate_year <= greatest($performance_year + 2, first_year)
),

step AS (
    SELECT CAST(payment_reduction AS DECIMAL(4, 2)) AS payment_reduction
    FROM parameter.qip_reduction
    WHERE CAST(payment_year AS INTEGER) = $performance_year + 2
)

SELECT
    t.ccn,
    CAST(s.payment_reduction AS DOUBLE) AS payment_reduction,
    $performance_year AS performance_year,
    $performance_year + 2 AS payment_year,
    t.patients,
    t.treatments,
    CAST(r.base_rate AS DOUBLE) AS base_rate,
    r.rate_year,
    CAST(CAST(t.treatments AS DECIMAL(12, 0)) * r.base_rate * s.payment_reduction AS DOUBLE) / 100
        AS dollars
FROM treated AS t
CROSS JOIN step AS s
JOIN rated AS r ON r.from_last = 1
