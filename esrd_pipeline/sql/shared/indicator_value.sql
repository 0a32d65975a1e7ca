-- One value, of unit and least_units and numerator and denominator: the value of an indicator over
-- months that are added up; none below the size that it wants. ESRD KHARES & 18 ESRD Networks: the
-- four priorities. Reading 231.
SELECT
    CASE
        WHEN denominator > 0 AND denominator >= CAST(least_units AS DOUBLE)
            THEN CASE unit WHEN 'share' THEN 1.0 ELSE 100.0 END * numerator / denominator
    END AS indicator_value
