-- What a district has taken is the sum of its history.
SELECT d_w_id, d_id, d_ytd, paid
FROM district
JOIN (SELECT h_w_id, h_d_id, sum(h_amount) AS paid FROM history GROUP BY h_w_id, h_d_id) AS h
  ON h_w_id = d_w_id AND h_d_id = d_id
WHERE d_ytd <> paid
