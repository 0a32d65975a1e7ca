-- One row: one of the relation `counted`, with modality and sessions: hemodialysis against three
-- sevenths of peritoneal dialysis, in whole numbers. Reads `counted`: has_composite, composite_hd,
-- composite_pd, composite_other, other_hd, other_pd, counts of days. Manual 3.1.3, steps 3 to 5.
SELECT
    *,
    CASE
        WHEN has_composite = 1 AND 7 * composite_hd > 3 * (composite_pd + composite_other)
            THEN 'hemodialysis'
        WHEN has_composite = 1 AND 7 * composite_hd < 3 * (composite_pd + composite_other)
            THEN CASE
                WHEN composite_other > composite_pd THEN 'other peritoneal dialysis'
                WHEN composite_other < composite_pd THEN 'peritoneal dialysis'
                ELSE 'undetermined'
            END
        WHEN has_composite = 1 THEN 'undetermined'
        WHEN 7 * other_hd > 3 * other_pd THEN 'hemodialysis'
        WHEN 7 * other_hd < 3 * other_pd THEN 'peritoneal dialysis'
        ELSE 'undetermined'
    END AS modality,
    CASE WHEN has_composite = 1 THEN composite_hd ELSE other_hd END AS sessions
FROM counted
