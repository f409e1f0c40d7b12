-- Why did runs fail? Those with the same cause together, with one of them to open at its moment.
SELECT
    cause,
    count(*) AS recordings,
    min(recording) AS one_of_them,
    min(told) AS told
FROM causes
GROUP BY cause
ORDER BY recordings DESC
LIMIT 50
