-- One row: a length of stay of a program's index discharges, and its quarter among them: a quartile is
-- the smallest length with that share at or below. Reads `judged`: program, length_of_stay, reason.
-- Manual 2.10.11, 2.26.12.
WITH
length_count AS (
    SELECT program, length_of_stay, count(*) AS discharges
    FROM judged
    WHERE reason IS NULL
    GROUP BY program, length_of_stay
),

length_reached AS (
    SELECT
        program,
        length_of_stay,
        sum(discharges) OVER (
            PARTITION BY program ORDER BY length_of_stay ROWS UNBOUNDED PRECEDING
        ) AS reached,
        sum(discharges) OVER (PARTITION BY program) AS discharges
    FROM length_count
),

cut AS (
    SELECT
        program,
        min(CASE WHEN 4 * reached >= discharges THEN length_of_stay END) AS first_cut,
        min(CASE WHEN 4 * reached >= 2 * discharges THEN length_of_stay END) AS second_cut,
        min(CASE WHEN 4 * reached >= 3 * discharges THEN length_of_stay END) AS third_cut
    FROM length_reached
    GROUP BY program
),

stayed AS (
    SELECT DISTINCT program, length_of_stay FROM judged
)

SELECT
    s.program,
    s.length_of_stay,
    CASE
        WHEN s.length_of_stay <= q.first_cut THEN 1
        WHEN s.length_of_stay <= q.second_cut THEN 2
        WHEN s.length_of_stay <= q.third_cut THEN 3
        ELSE 4
    END AS length_quarter
FROM stayed AS s
LEFT JOIN cut AS q ON q.program = s.program
