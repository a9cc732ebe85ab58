-- A line has a time of delivery if, and only if, its order has a carrier.
SELECT ol_w_id, ol_d_id, ol_o_id, ol_number
FROM order_line, orders
WHERE o_w_id = ol_w_id
  AND o_d_id = ol_d_id
  AND o_id = ol_o_id
  AND (ol_delivery_d IS NULL) <> (o_carrier_id IS NULL)
