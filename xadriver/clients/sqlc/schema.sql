CREATE TYPE order_status AS ENUM ('open', 'paid', 'sent');

CREATE TABLE customers (
    id         bigserial PRIMARY KEY,
    name       text NOT NULL,
    city       text,
    tags       text[] NOT NULL DEFAULT '{}',
    settings   jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE orders (
    customer_id bigint NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    id          bigserial,
    status      order_status NOT NULL DEFAULT 'open',
    token       uuid NOT NULL,
    total       numeric(12, 2) NOT NULL DEFAULT 0,
    PRIMARY KEY (customer_id, id)
);

CREATE TABLE products (
    sku   text PRIMARY KEY,
    name  text NOT NULL,
    price numeric(12, 2) NOT NULL
);

CREATE TABLE items (
    customer_id bigint NOT NULL,
    order_id    bigint NOT NULL,
    sku         text NOT NULL REFERENCES products (sku),
    amount      integer NOT NULL,
    PRIMARY KEY (customer_id, order_id, sku),
    FOREIGN KEY (customer_id, order_id) REFERENCES orders (customer_id, id) ON DELETE CASCADE
);

CREATE TABLE events (
    id bigserial PRIMARY KEY,
    what text NOT NULL,
    happened_at timestamptz NOT NULL DEFAULT now()
);
