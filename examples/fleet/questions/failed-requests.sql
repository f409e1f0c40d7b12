-- Which requests failed in the server, and what were the last hostcalls before?
SELECT recording, number, method, target, status, outcome, before_end, event, name, result
FROM (
    SELECT
        r.recording, r.number, r.method, r.target, r.status, r.outcome,
        e.event, e.name, e.result,
        row_number() OVER (PARTITION BY r.recording, r.number ORDER BY e.event DESC) AS before_end
    FROM requests r
    JOIN events e
        ON e.recording = r.recording
        AND e.event >= r.began_at
        -- What trapped has no end.
        AND (r.ended_at IS NULL OR e.event < r.ended_at)
    WHERE r.status >= 500 OR r.failed
) last_hostcalls
WHERE before_end <= 5
ORDER BY recording, number, event
