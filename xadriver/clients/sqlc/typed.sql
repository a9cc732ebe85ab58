-- name: PutOrder :one
INSERT INTO orders (customer_id, token, total, status) VALUES ($1, $2, $3, $4) RETURNING *;

-- name: GetOrder :one
SELECT * FROM orders WHERE customer_id = $1 AND token = $2;

-- name: DearestOrders :many
SELECT customer_id, token, total FROM orders WHERE total >= $1 ORDER BY total DESC, token LIMIT $2;

-- name: PutCustomer :one
INSERT INTO customers (name, city, created_at) VALUES ($1, $2, $3) RETURNING *;

-- name: CustomersSince :many
SELECT id, city, created_at FROM customers WHERE created_at >= $1 ORDER BY created_at;
