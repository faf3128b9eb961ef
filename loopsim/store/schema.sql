-- One database per shop. Times are integers: milliseconds since 1970 of the shop's clock, unless a column says wall.
-- Documents are JSON of the domain's records; the columns beside them are those that are searched.
-- `details` of a return and its row in `list_rows` are its final wire bytes, made when first asked for and cleared by every
-- change. List rows stand apart, so that a page of the list reads nothing else.

create table shop (
  one integer primary key check (one = 1),
  version integer not null,
  settings blob not null,
  clock blob not null,
  now integer not null,
  counters blob not null
);

create table orders (
  id integer primary key,
  provider_id integer not null,
  name text not null,
  external_id text unique,
  doc blob not null
);
create index orders_by_name on orders (name);
-- Only of a platform's orders: others have no second id.
create index orders_by_provider on orders (provider_id) where provider_id <> id;

-- The merchant's own ids of order lines and shipments: unique over all orders of the shop.
create table order_parts (
  kind text not null,
  external_id text not null,
  order_id integer not null,
  primary key (external_id, kind)
) without rowid;

create table returns (
  id integer primary key,
  state text not null,
  created_at integer not null,
  updated_at integer not null,
  order_id integer not null,
  doc blob not null,
  details blob
);
create index returns_by_creation on returns (created_at, id, state);
create index returns_by_update on returns (updated_at, id, state);
create index returns_by_order on returns (order_id);

create table list_rows (
  id integer primary key,
  row blob not null
);

-- Every unit that was ever returned. The partial index is the promise that two returns never hold the same unit.
create table units (
  line_id integer primary key,
  return_id integer not null,
  order_line_id integer not null,
  unit integer not null,
  held integer not null
);
create unique index units_held on units (order_line_id, unit) where held = 1;

create table labels (
  id integer primary key,
  return_id integer not null
) without rowid;

create table label_requests (
  id integer primary key,
  return_id integer not null,
  status text not null,
  created_at integer not null,
  doc blob not null
);
create index label_requests_by_return on label_requests (return_id);
create index label_requests_by_creation on label_requests (created_at, id);

create table notes (
  id integer primary key,
  return_id integer not null,
  content text not null,
  created_at integer not null
);
create index notes_by_return on notes (return_id);

-- Commerce data: products, variants, collections, customers, locations. `external_id` is the merchant's own id, `parent`
-- the product of a variant.
create table resources (
  kind text not null,
  id integer not null,
  external_id text,
  parent integer,
  doc blob not null,
  primary key (kind, id)
) without rowid;
create unique index resources_by_external_id on resources (kind, external_id) where external_id is not null;
create index resources_by_parent on resources (kind, parent, id) where parent is not null;

-- How many of a variant a location holds. A variant without a row is one that nobody counts.
create table inventories (
  variant_id integer not null,
  location_id integer not null,
  available integer not null,
  primary key (variant_id, location_id)
) without rowid;

-- Whatever is few and looked up by id: subscriptions, destinations, fraud reports, shipments, faults, ...
create table records (
  kind text not null,
  id text not null,
  doc blob not null,
  primary key (kind, id)
) without rowid;

create table timers (
  due integer not null,
  id integer not null,
  kind text not null,
  entity integer not null,
  data blob not null,
  primary key (due, id)
) without rowid;
create index timers_by_entity on timers (entity);

create table payloads (
  id integer primary key,
  body blob not null
);

-- state: queued (to be sent, now or at a retry), delivered, failed, blocked, dropped
create table deliveries (
  id integer primary key,
  subscription_id integer not null,
  return_id integer,
  topic text not null,
  trigger text not null,
  payload_id integer not null,
  state text not null,
  attempts integer not null default 0,
  created_at integer not null,
  settled_at integer,
  fault blob
);

create table attempts (
  id integer primary key,
  delivery_id integer not null,
  number integer not null,
  at integer not null,
  doc blob not null
);
create index attempts_by_delivery on attempts (delivery_id);

create table ledger (
  id integer primary key,
  at integer not null,
  return_id integer not null,
  kind text not null,
  doc blob not null
);

create table journal (
  id integer primary key,
  at integer not null,
  size integer not null,
  doc blob not null
);
