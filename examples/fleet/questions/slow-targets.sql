-- How long do requests take, by path, without what is in their queries?
SELECT
    method,
    split_part(target, '?', 1) AS path,
    count(*) AS requests,
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY duration_ns) / 1e6, 1) AS p50_ms,
    round(percentile_cont(0.99) WITHIN GROUP (ORDER BY duration_ns) / 1e6, 1) AS p99_ms,
    round(avg(hostcalls), 0) AS hostcalls,
    sum(sent) AS bytes_sent
FROM requests
WHERE duration_ns IS NOT NULL
GROUP BY method, split_part(target, '?', 1)
ORDER BY p99_ms DESC
