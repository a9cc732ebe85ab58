-- A customer's balance and payments are together what was delivered.
SELECT c_w_id, c_d_id, c_id, c_balance, c_ytd_payment
FROM customer
WHERE c_balance + c_ytd_payment <> (
    SELECT coalesce(sum(ol_amount), 0)
    FROM orders, order_line
    WHERE o_w_id = c_w_id
      AND o_d_id = c_d_id
      AND o_c_id = c_id
      AND ol_w_id = o_w_id
      AND ol_d_id = o_d_id
      AND ol_o_id = o_id
      AND ol_delivery_d IS NOT NULL)
