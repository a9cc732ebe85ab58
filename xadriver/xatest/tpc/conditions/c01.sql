-- What a warehouse has taken is what its districts have taken.
SELECT w_id, w_ytd, sum(d_ytd)
FROM warehouse JOIN district ON d_w_id = w_id
GROUP BY w_id, w_ytd
HAVING w_ytd <> sum(d_ytd)
