-- A district has as many order lines as its orders say.
SELECT o_w_id, o_d_id, said, there
FROM (SELECT o_w_id, o_d_id, sum(o_ol_cnt) AS said FROM orders GROUP BY o_w_id, o_d_id) AS o
FULL JOIN (SELECT ol_w_id, ol_d_id, count(*) AS there FROM order_line GROUP BY ol_w_id, ol_d_id) AS l
  ON ol_w_id = o_w_id AND ol_d_id = o_d_id
WHERE said IS DISTINCT FROM there
