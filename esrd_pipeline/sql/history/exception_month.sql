-- One row: a month of the year, or of the year before, for which CMS granted a facility an
-- extraordinary circumstances exception. Manual 3.4, Table 17 (values of the months before, too,
-- are not used). Grants to a facility may overlap, and may run over New Year: the lists of both
-- years count. Reading 80: a number in the list stands for the facility that linkage finds for it,
-- as every number does; one that no facility has excepts nobody.
WITH
calendar AS (
    SELECT month FROM history.calendar_month WHERE performance_year = $performance_year
),

two_years AS (
    SELECT month FROM calendar
    UNION ALL
    SELECT CAST(month - INTERVAL 1 YEAR AS DATE) AS month FROM calendar
)

SELECT DISTINCT
    coalesce(n.ccn, e.ccn) AS ccn,
    t.month,
    $performance_year AS performance_year
FROM raw.ece_grant AS e
JOIN two_years AS t ON t.month BETWEEN e.first_month AND e.last_month
LEFT JOIN linkage.provider_number AS n
    ON n.program = 'qip'
    AND n.provider_number = e.ccn
    AND n.performance_year = $performance_year
WHERE e.performance_year BETWEEN $performance_year - 1 AND $performance_year
