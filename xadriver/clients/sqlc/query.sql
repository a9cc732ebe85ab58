-- name: CreateCustomer :one
INSERT INTO customers (name, city, tags, settings) VALUES ($1, $2, $3, $4) RETURNING *;

-- name: CreateCustomers :many
INSERT INTO customers (name, city)
SELECT unnest(sqlc.arg(names)::text[]), unnest(sqlc.arg(cities)::text[])
RETURNING id, name;

-- name: GetCustomer :one
SELECT * FROM customers WHERE id = $1;

-- name: ListCustomers :many
SELECT * FROM customers ORDER BY name, id LIMIT $1 OFFSET $2;

-- name: CustomersByIDs :many
SELECT * FROM customers WHERE id = ANY(sqlc.arg(ids)::bigint[]) ORDER BY id;

-- name: SearchCustomers :many
SELECT id, name FROM customers
WHERE (sqlc.narg(city)::text IS NULL OR city = sqlc.narg(city))
  AND (sqlc.narg(tag)::text IS NULL OR sqlc.narg(tag) = ANY(tags))
  AND name LIKE sqlc.arg(pattern)
ORDER BY id DESC;

-- name: ChangeCustomer :one
UPDATE customers SET
    name = coalesce(sqlc.narg(name), name),
    city = coalesce(sqlc.narg(city), city)
WHERE id = sqlc.arg(id)
RETURNING *;

-- name: TagCustomers :execrows
UPDATE customers SET tags = array_append(tags, sqlc.arg(tag)::text) WHERE city = ANY(sqlc.arg(cities)::text[]);

-- name: DeleteCustomer :execrows
DELETE FROM customers WHERE id = $1;

-- name: CountCustomers :one
SELECT count(*) FROM customers;

-- name: CustomersPerCity :many
SELECT city, count(*) AS customers, min(name)::text AS first FROM customers GROUP BY city HAVING count(*) > sqlc.arg(more_than)::int ORDER BY city;

-- name: CreateOrder :one
INSERT INTO orders (customer_id, token) VALUES ($1, $2) RETURNING id;

-- name: AddItems :execrows
INSERT INTO items (customer_id, order_id, sku, amount)
SELECT unnest(sqlc.arg(customer_ids)::bigint[]), unnest(sqlc.arg(order_ids)::bigint[]), unnest(sqlc.arg(skus)::text[]), unnest(sqlc.arg(amounts)::int[])
ON CONFLICT (customer_id, order_id, sku) DO UPDATE SET amount = items.amount + excluded.amount;

-- name: SumUp :execresult
UPDATE orders o SET total = s.total
FROM (
    SELECT i.customer_id, i.order_id, sum(i.amount * p.price) AS total
    FROM items i JOIN products p ON p.sku = i.sku
    GROUP BY i.customer_id, i.order_id
) s
WHERE s.customer_id = o.customer_id AND s.order_id = o.id;

-- name: SetStatus :execresult
UPDATE orders SET status = $1 WHERE customer_id = $2 AND id = $3;

-- name: LockOrders :many
SELECT id FROM orders WHERE customer_id = ANY(sqlc.arg(customer_ids)::bigint[]) ORDER BY id FOR UPDATE;

-- name: OrdersOf :many
SELECT sqlc.embed(orders), sqlc.embed(customers)
FROM orders JOIN customers ON customers.id = orders.customer_id
WHERE orders.status = $1
ORDER BY customers.name, orders.id;

-- name: ItemsOf :many
SELECT sqlc.embed(items), sqlc.embed(products)
FROM items JOIN products USING (sku)
WHERE items.customer_id = $1
ORDER BY items.order_id, items.sku;

-- name: BestCustomers :many
WITH totals AS (
    SELECT customer_id, sum(total)::numeric AS total FROM orders WHERE status <> 'open' GROUP BY customer_id
)
SELECT c.name, t.total, rank() OVER (ORDER BY t.total DESC) AS place
FROM totals t JOIN customers c ON c.id = t.customer_id
ORDER BY place, c.name
LIMIT $1;

-- name: PutProducts :exec
INSERT INTO products (sku, name, price)
SELECT unnest(sqlc.arg(skus)::text[]), unnest(sqlc.arg(names)::text[]), unnest(sqlc.arg(prices)::numeric[])
ON CONFLICT (sku) DO UPDATE SET name = excluded.name, price = excluded.price;

-- name: Log :exec
INSERT INTO events (what) VALUES ($1);

-- name: Events :many
SELECT what FROM events ORDER BY id DESC LIMIT $1;
