-- One row: a day of dialysis with what counts of it. Different types of code on one day do not count.
-- Reads `line_day`: composite_hd ... any_undetermined, each 0 or 1. Manual 3.1.1, steps 1c and 2d.
SELECT
    *,
    CASE WHEN composite_hd + composite_pd + composite_other = 1 THEN composite_hd ELSE 0 END
        AS counted_hd,
    CASE WHEN composite_hd + composite_pd + composite_other = 1 THEN composite_pd ELSE 0 END
        AS counted_pd,
    CASE WHEN composite_hd + composite_pd + composite_other = 1 THEN composite_other ELSE 0 END
        AS counted_other,
    CASE
        WHEN any_in_center + any_home + any_pd + any_other + any_undetermined = 1
            THEN any_in_center + any_home
        ELSE 0
    END AS counted_any_hd,
    CASE
        WHEN any_in_center + any_home + any_pd + any_other + any_undetermined = 1
            THEN any_pd + any_other
        ELSE 0
    END AS counted_any_pd
FROM line_day
