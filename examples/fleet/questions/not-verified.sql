-- Which recordings does replay not agree with, and which can it not read?
SELECT recording, CASE WHEN status = 1 THEN 'differs' ELSE 'not replayed' END AS what, error
FROM verified
WHERE NOT verified
ORDER BY recording
