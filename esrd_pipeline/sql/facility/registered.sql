-- One row: a certification number on the list of either program, with the EQRS facts of the
-- facility that has it on the year's last day. Manual 3.3.4, 3.3.6.1, 3.3.6.2, 3.3.8.
-- Readings: of several EQRS facilities with one number, one that is closed, is no dialysis facility
-- or has the number no more describes it only where there is no other; then the one that has had it
-- the shortest counts, then that with most stations, then the first. Reading 285: the number offers
-- what any of those that may describe it offers.
WITH
listed AS (
    SELECT
        ccn,
        max(facility_name) AS facility_name,
        max(network) AS network,
        max(state) AS state,
        max(dialysis_organization) AS dialysis_organization,
        -- The date decides in the QIP alone, where a new number begins anew (3.3.11, 3.5).
        coalesce(
            max(CASE WHEN program = 'qip' THEN certification_date END), max(certification_date)
        ) AS certification_date,
        max(CASE WHEN program = 'dfc' THEN 1 ELSE 0 END) = 1 AS is_dfc,
        max(CASE WHEN program = 'qip' THEN 1 ELSE 0 END) = 1 AS is_qip
    FROM linkage.facility
    WHERE performance_year = $performance_year AND is_eligible
    GROUP BY ccn
),

holder AS (
    SELECT
        n.ccn,
        n.start_date,
        f.facilityid,
        f.facility_name,
        f.dialysis_organization,
        f.city,
        f.zip_code,
        f.is_profit,
        f.station_count,
        CASE
            WHEN n.end_date < make_date($performance_year, 12, 31) THEN 3
            WHEN f.dateclosed <= make_date($performance_year, 12, 31) THEN 2
            WHEN upper(trim(f.factype)) = 'DIALYSIS' THEN 0
            ELSE 1
        END AS standing
    FROM linkage.facility_ccn AS n
    JOIN raw.eqrs_facility AS f
        ON f.facilityid = n.facilityid AND f.performance_year = $performance_year
    WHERE n.performance_year = $performance_year
        AND n.start_date <= make_date($performance_year, 12, 31)
),

bearer AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY ccn
            ORDER BY standing, start_date DESC, coalesce(station_count, 0) DESC, facilityid
        ) AS place
    FROM holder
),

service AS (
    SELECT
        facilityid,
        max(CASE WHEN upper(trim(service)) = 'IN-CENTER HEMODIALYSIS' THEN 1 ELSE 0 END)
            AS in_center,
        max(CASE WHEN upper(trim(service)) IN ('CAPD', 'CCPD') THEN 1 ELSE 0 END) AS peritoneal,
        max(CASE WHEN upper(trim(service)) = 'HOME HEMODIALYSIS TRAINING' THEN 1 ELSE 0 END)
            AS home_training
    FROM raw.eqrs_facility_service
    WHERE performance_year = $performance_year
    GROUP BY facilityid
),

-- 3.3.8: hemodialysis and peritoneal units may have one number, each with services of its own.
-- What a unit without a row offers is not known.
offered AS (
    SELECT
        b.ccn,
        max(s.in_center) AS in_center,
        max(s.peritoneal) AS peritoneal,
        max(s.home_training) AS home_training,
        max(CASE WHEN s.facilityid IS NULL THEN 1 ELSE 0 END) AS has_unknown
    FROM bearer AS b
    JOIN bearer AS m ON m.ccn = b.ccn AND m.place = 1 AND m.standing = b.standing
    LEFT JOIN service AS s ON s.facilityid = b.facilityid
    GROUP BY b.ccn
)

SELECT
    l.ccn,
    $performance_year AS performance_year,
    -- Of one unit as the place is: a name of one beside the city of another names no facility.
    coalesce(b.facility_name, l.facility_name) AS facility_name,
    l.network,
    b.city,
    l.state,
    b.zip_code,
    coalesce(b.dialysis_organization, l.dialysis_organization) AS chain_organization,
    b.is_profit,
    b.station_count,
    CASE WHEN o.in_center = 1 THEN TRUE WHEN o.has_unknown = 0 THEN FALSE END
        AS has_in_center_hemodialysis,
    CASE WHEN o.peritoneal = 1 THEN TRUE WHEN o.has_unknown = 0 THEN FALSE END
        AS has_peritoneal_dialysis,
    CASE WHEN o.home_training = 1 THEN TRUE WHEN o.has_unknown = 0 THEN FALSE END
        AS has_home_hemodialysis_training,
    l.certification_date,
    l.is_dfc,
    l.is_qip
FROM listed AS l
LEFT JOIN bearer AS b ON b.ccn = l.ccn AND b.place = 1
LEFT JOIN offered AS o ON o.ccn = l.ccn
