-- One row: a revenue line of dialysis, with the type of its code in columns of 0 and 1. Manual 3.1.1,
-- Table 15; codes: dialysis_revenue_center.csv.
SELECT
    l.clm_id,
    l.performance_year,
    l.clm_line_num,
    l.rev_cntr_dt,
    CASE WHEN t.is_composite = 'true' THEN 1 ELSE 0 END AS is_composite,
    CASE
        WHEN t.is_composite = 'true' AND t.modality = 'in-center hemodialysis' THEN 1
        ELSE 0
    END AS composite_hd,
    CASE
        WHEN t.is_composite = 'true' AND t.modality = 'peritoneal dialysis' THEN 1
        ELSE 0
    END AS composite_pd,
    CASE
        WHEN t.is_composite = 'true' AND t.modality = 'other peritoneal dialysis' THEN 1
        ELSE 0
    END AS composite_other,
    CASE WHEN t.modality = 'in-center hemodialysis' THEN 1 ELSE 0 END AS any_in_center,
    CASE WHEN t.modality = 'home hemodialysis' THEN 1 ELSE 0 END AS any_home,
    CASE WHEN t.modality = 'peritoneal dialysis' THEN 1 ELSE 0 END AS any_pd,
    CASE WHEN t.modality = 'other peritoneal dialysis' THEN 1 ELSE 0 END AS any_other,
    CASE WHEN t.modality = 'undetermined' THEN 1 ELSE 0 END AS any_undetermined
FROM raw.claim_revenue AS l
JOIN parameter.dialysis_revenue_center AS t ON t.rev_cntr = l.rev_cntr
WHERE l.performance_year BETWEEN $performance_year - 1 AND $performance_year
