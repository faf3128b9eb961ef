"""What people and systems on the partner's own side may ask of it: the tasks, what each is told, and what it answers.

A partner takes them by a small adapter: loopsim posts the JSON of `about` to its `--asks` URL with the task's name in
it, waits for a 2xx answer, and reads JSON from it where there is some.
"""

from __future__ import annotations

TASKS: dict[str, str] = {
    "push-catalogue": "Its goods, and the places where they lie, are there or have changed. about: currency,"
    " locations [{id, name, address}] and products [{id, name, price, options [{name, values}], variants [{id, name,"
    " sku, price, values, stock {location: count}}]}], as its own platform has them: its own ids, amounts as text such"
    " as 16.80.",
    "push-order": "An order was placed or has changed on its platform. about: order {id, number, currency, placed_at,"
    " cancelled, customer {id, first_name, last_name, email, phone}, address, lines [{id, product, variant, quantity,"
    " price}], shipments [{id, at, location, carrier, tracking_number, lines [{line, quantity}]}]}, its own ids; those"
    " of lines and shipments only tell them apart within their order. Answers loop_id: Loop's id of the order, null"
    " while Loop does not have it so.",
    "start-return": "A shopper asks for a return on its own form or at its counter. about: order (its number), email,"
    " method (mail, in_store), resolution (refund, store-credit, exchange), items [{line, reason, exchange_for: a"
    " variant}]. Answers return_id: Loop's id of the return, null where nothing can be returned, and then why: Loop's"
    " code.",
    "reconcile": "It compares what Loop has with what its platform has, and tells Loop what is missing there.",
}
"""By name: what happened on the partner's side, and what `about` holds."""
