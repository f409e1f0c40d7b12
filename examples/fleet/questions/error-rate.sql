-- How many requests were there in each minute, and which part of them failed?
SELECT
    date_trunc('minute', CAST(time AS TIMESTAMP)) AS minute,
    count(*) AS requests,
    sum(CASE WHEN failed THEN 1 ELSE 0 END) AS failed,
    round(100.0 * sum(CASE WHEN failed THEN 1 ELSE 0 END) / count(*), 1) AS failed_percent
FROM requests
WHERE time IS NOT NULL
GROUP BY date_trunc('minute', CAST(time AS TIMESTAMP))
ORDER BY minute
