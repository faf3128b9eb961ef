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
    "check-returnable": "Somebody asks what of an order may come back. about: order (its number). Answers eligible:"
    " Loop's ids of the lines of which a unit may, none where Loop knows no such order.",
    "start-return": "A shopper asks for a return on its own form or at its counter. about: order (its number), email,"
    " method (mail, in_store), resolution (refund, store-credit, exchange), items [{line, reason, exchange_for: a"
    " variant}]. Answers return_id: Loop's id of the return, null where nothing can be returned, and then why: Loop's"
    " code.",
    "reconcile": "It compares what Loop has with what its platform has, and tells Loop what is missing there.",
    "shopper-arrives": "A shopper opens a page of the shop; the first comes from Loop, with the credit of a return to"
    " spend. about: session, and the page's url with what Loop hands over (loop_…).",
    "shopper-fills-cart": "What is in the shop's cart has changed. about: session, and lines, all there are, each"
    " {variant_id, quantity}.",
    "shopper-goes-back": "The shopper is done, and goes back to Loop with the cart. about: session. Answers url, where"
    " they are sent; null where they stay in the shop.",
    "shopper-sees-checkout": "A shopper is in the shop's own checkout. about: session, and cart as Checkout+ takes"
    " it. Answers offer {mode, amount, currency, session_id} as Checkout+ has them; null where it offers nothing.",
    "shopper-pays": "The shopper pays. about: session, accepts (whether they take the offer), and order as Commerce"
    " Data takes it, but for what Checkout+ adds.",
    "order-link": "A shopper wants to return an order. about: order (its name), zip, gift. Answers url, which leads to"
    " the return in the portal; null where there can be none.",
    "order-qr": "The same to print. Answers qr, too: where the picture is.",
    "partner-link": "The same without a call, by a link that is signed. about: order, shop_domain. Answers url.",
}
"""By name: what happened on the partner's side, and what `about` holds."""
