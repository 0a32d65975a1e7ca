-- One value, of bmi: its class; the highest where it is not known. Reading 17.
SELECT
    CASE
        WHEN bmi < 18.5 THEN '<18.5'
        WHEN bmi < 25 THEN '18.5-25'
        WHEN bmi < 30 THEN '25-30'
        ELSE '>=30'
    END AS bmi_class
