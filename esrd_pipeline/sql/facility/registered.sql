-- One row: a certification number on the list of either program, with the EQRS facts of the
-- facility that has it on the year's last day. Manual 3.3.4, 3.3.6.1, 3.3.6.2.
-- Reading: of several EQRS facilities with one number, the one with most stations counts, then the
-- first.
WITH
listed AS (
    SELECT
        ccn,
        max(facility_name) AS facility_name,
        max(network) AS network,
        max(state) AS state,
        max(dialysis_organization) AS dialysis_organization,
        min(certification_date) AS certification_date,
        max(CASE WHEN program = 'dfc' THEN 1 ELSE 0 END) = 1 AS is_dfc,
        max(CASE WHEN program = 'qip' THEN 1 ELSE 0 END) = 1 AS is_qip
    FROM linkage.facility
    WHERE performance_year = $performance_year AND is_eligible
    GROUP BY ccn
),

bearer AS (
    SELECT
        n.ccn,
        f.facilityid,
        f.city,
        f.zip_code,
        f.is_profit,
        f.station_count,
        row_number() OVER (
            PARTITION BY n.ccn
            ORDER BY n.start_date DESC, coalesce(f.station_count, 0) DESC, f.facilityid
        ) AS place
    FROM linkage.facility_ccn AS n
    JOIN raw.eqrs_facility AS f
        ON f.facilityid = n.facilityid AND f.performance_year = $performance_year
    WHERE n.performance_year = $performance_year
        AND n.start_date <= make_date($performance_year, 12, 31)
),

service AS (
    SELECT
        facilityid,
        max(CASE WHEN upper(trim(service)) = 'IN-CENTER HEMODIALYSIS' THEN 1 ELSE 0 END) = 1
            AS has_in_center_hemodialysis,
        max(CASE WHEN upper(trim(service)) IN ('CAPD', 'CCPD') THEN 1 ELSE 0 END) = 1
            AS has_peritoneal_dialysis,
        max(CASE WHEN upper(trim(service)) = 'HOME HEMODIALYSIS TRAINING' THEN 1 ELSE 0 END) = 1
            AS has_home_hemodialysis_training
    FROM raw.eqrs_facility_service
    WHERE performance_year = $performance_year
    GROUP BY facilityid
)

SELECT
    l.ccn,
    $performance_year AS performance_year,
    l.facility_name,
    l.network,
    b.city,
    l.state,
    b.zip_code,
    l.dialysis_organization AS chain_organization,
    b.is_profit,
    b.station_count,
    s.has_in_center_hemodialysis,
    s.has_peritoneal_dialysis,
    s.has_home_hemodialysis_training,
    l.certification_date,
    l.is_dfc,
    l.is_qip
FROM listed AS l
LEFT JOIN bearer AS b ON b.ccn = l.ccn AND b.place = 1
LEFT JOIN service AS s ON s.facilityid = b.facilityid
