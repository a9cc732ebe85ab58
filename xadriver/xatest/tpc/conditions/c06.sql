-- An order has as many lines as it says.
SELECT o_w_id, o_d_id, o_id, o_ol_cnt
FROM orders
WHERE o_ol_cnt <> (
    SELECT count(*)
    FROM order_line
    WHERE ol_w_id = o_w_id AND ol_d_id = o_d_id AND ol_o_id = o_id)
