-- The next order's number follows that of the last order, which is new if any is.
SELECT d_w_id, d_id, d_next_o_id, last_order, last_new
FROM district
JOIN (SELECT o_w_id, o_d_id, max(o_id) AS last_order FROM orders GROUP BY o_w_id, o_d_id) AS o
  ON o_w_id = d_w_id AND o_d_id = d_id
LEFT JOIN (SELECT no_w_id, no_d_id, max(no_o_id) AS last_new FROM new_order GROUP BY no_w_id, no_d_id) AS n
  ON no_w_id = d_w_id AND no_d_id = d_id
WHERE d_next_o_id - 1 <> last_order OR last_new <> last_order
