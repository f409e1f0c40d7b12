-- In which interfaces of the host was most of the time spent, and what took longest there?
SELECT
    split_part(name, '@', 1) AS interface,
    count(*) AS hostcalls,
    count(duration_ns) AS timed,
    round(sum(duration_ns) / 1e6, 1) AS total_ms,
    round(max(duration_ns) / 1e6, 1) AS longest_ms
FROM events
WHERE name LIKE '%#%'
GROUP BY split_part(name, '@', 1)
ORDER BY coalesce(sum(duration_ns), 0) DESC, hostcalls DESC
LIMIT 20
