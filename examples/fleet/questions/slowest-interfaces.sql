-- In which interfaces of the host was most of the time spent, and what took longest there?
SELECT
    interface,
    count(*) AS hostcalls,
    count(duration_ns) AS timed,
    round(sum(duration_ns) / 1e6, 1) AS total_ms,
    round(max(duration_ns) / 1e6, 1) AS longest_ms
FROM (
    SELECT split_part(regexp_replace(name, '^resource.drop ', ''), '@', 1) AS interface, duration_ns
    FROM events
    WHERE name LIKE '%#%'
) calls
GROUP BY interface
ORDER BY coalesce(sum(duration_ns), 0) DESC, hostcalls DESC
LIMIT 20
