-- Which hostcalls answered an error, and how often, in how many recordings?
SELECT
    name,
    result,
    count(*) AS times,
    count(DISTINCT recording) AS recordings
FROM events
WHERE result LIKE 'err%'
GROUP BY name, result
ORDER BY times DESC
LIMIT 50
