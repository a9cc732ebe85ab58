-- What a warehouse has taken is the sum of its history.
SELECT w_id, w_ytd
FROM warehouse
WHERE w_ytd <> (SELECT sum(h_amount) FROM history WHERE h_w_id = w_id)
