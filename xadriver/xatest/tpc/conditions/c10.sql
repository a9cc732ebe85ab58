-- A customer's balance is what was delivered less what was paid, wherever that was.
WITH delivered AS (
    SELECT o_w_id, o_d_id, o_c_id, sum(ol_amount) AS amount
    FROM orders JOIN order_line ON ol_w_id = o_w_id AND ol_d_id = o_d_id AND ol_o_id = o_id
    WHERE ol_delivery_d IS NOT NULL
    GROUP BY o_w_id, o_d_id, o_c_id),
paid AS (
    SELECT h_c_w_id, h_c_d_id, h_c_id, sum(h_amount) AS amount
    FROM history
    GROUP BY h_c_w_id, h_c_d_id, h_c_id)
SELECT c_w_id, c_d_id, c_id, c_balance, delivered.amount AS delivered, paid.amount AS paid
FROM customer
LEFT JOIN delivered ON o_w_id = c_w_id AND o_d_id = c_d_id AND o_c_id = c_id
LEFT JOIN paid ON h_c_w_id = c_w_id AND h_c_d_id = c_d_id AND h_c_id = c_id
WHERE c_balance <> coalesce(delivered.amount, 0) - coalesce(paid.amount, 0)
