"""Defects of the storefront: what it loses of a visit, takes for success, sends to Loop, and signs."""

from __future__ import annotations

from tests.defects.defect import STOREFRONT, Defect

REFUSED = (
    "    const errors = content?.errors ?? content?.error;\n"
    "    if (status >= 300 || errors) throw new Refused(errors?.message ?? content?.message ?? `HTTP ${status}`);\n"
)
BLIND = "    if (status >= 300) throw new Refused(content?.message ?? `HTTP ${status}`);\n"
NO_TOKEN = '    if (!token) throw new Refused("Loop gave no token");\n'
NOT_UPDATED = '    if (updated !== true) throw new Refused("Loop did not say that the cart is updated");\n'
UPDATES = "      if (session.token !== null) return await this.loop.updateCart(session.token, session.variants);\n"
DROPS = "    if (session.token !== null) await this.loop.deleteCart(session.token);\n    session.token = null;\n"
PIECES = "lines.flatMap(({ variant_id, quantity }) => Array(quantity).fill(variant_id));"
STAYS = "    if (!session.kept) return { url: null, message };\n"
ONLY_HERE = "    if (!said.loop_return_id) return { active: Boolean(session.handOver.loop_return_id) };\n"
WAY = '    const way = loop_cart_return_url?.replace(/\\/+$/, "") ?? `https://${loop_domain}/#/cart/v2`;\n'
KEY = "const key = loop_return_key ? `/${encodeURIComponent(loop_return_key)}` : "
SIGNED = '    const hmac = createHmac("sha256", this.secret).update(query.toString()).digest("hex");\n'
WITH_ZIP = "    return zip ? attempt(async () => ({ url: await this.loop.orderLink(order, zip, gift) })) : NO_LINK;\n"
OFFERED = "      if (said.eligible) session.offer = { ...said.chargeInstructions,"
NO_OFFER = "      this.say(`no offer for ${session.id}: ${error.message}`);\n"
ANALYZED = 'return this.exchange("POST", url, { shopDomain, platform: "custom", sessionId, cart }, OFFER_TIMEOUT);'
TAKEN = "    const offer = accepts ? session.offer : null;\n"
METADATA = '    metadata: [...(order.metadata ?? []), { key: "session_id", value: session_id }],\n'

CARTS = "storefront/two-way/cart-"
LINKS = "storefront/two-way/link-"
CHECKOUT = "storefront/two-way/checkout-"

CART_DEFECTS = (
    Defect(
        "takes-a-refused-cart-for-kept",
        STOREFRONT,
        ((REFUSED, BLIND), (NO_TOKEN, ""), (NOT_UPDATED, "")),
        ("cart-tokens-kept", f"{CARTS}unknown-variant", f"{CARTS}emptied"),
        "The shopper is sent back to a cart called undefined.",
    ),
    Defect(
        "takes-a-refused-update-for-done",
        STOREFRONT,
        (
            (REFUSED, BLIND),
            (NOT_UPDATED, ""),
            (
                DROPS,
                "    if (session.token !== null) await this.loop.updateCart(session.token, []);\n",
            ),
        ),
        (f"{CARTS}emptied",),
        "The shopper goes back with what they had taken out of the cart.",
    ),
    Defect(
        "takes-the-token-from-the-update",
        STOREFRONT,
        (
            (
                UPDATES,
                "      if (session.token !== null) {\n"
                "        session.token = (await this.loop.updateCart(session.token, session.variants)) ?? undefined;\n"
                "        return;\n      }\n",
            ),
        ),
        (f"{CARTS}update-overwrites", "cart-tokens-kept"),
        "After the first change of the cart nobody can go back with it.",
    ),
    Defect(
        "sends-only-what-is-new",
        STOREFRONT,
        (
            (
                f"    session.variants = {PIECES}\n",
                "    const before = session.variants;\n"
                "    const all = lines.flatMap(({ variant_id, quantity }) => Array(quantity).fill(variant_id));\n"
                "    session.variants = all.filter((each) => !before.includes(each));\n",
            ),
        ),
        (f"{CARTS}update-overwrites",),
        "What was in the cart before is not sent to the shopper.",
    ),
    Defect(
        "adds-to-the-cart-of-before",
        STOREFRONT,
        ((f"session.variants = {PIECES}", f"session.variants = session.variants.concat({PIECES[:-1]});"),),
        (f"{CARTS}update-overwrites",),
        "The shopper pays with their credit for what they had put back.",
    ),
    Defect(
        "keeps-the-cart-that-was-emptied",
        STOREFRONT,
        (
            (
                "    if (session.token !== null) await this.loop.deleteCart(session.token);\n    session.token = null;\n",
                "",
            ),
        ),
        (f"{CARTS}emptied",),
        "The shopper goes back with what they had taken out of the cart.",
    ),
    Defect(
        "sends-quantities",
        STOREFRONT,
        ((PIECES, "lines.map(({ variant_id, quantity }) => ({ variant_id, quantity }));"),),
        ("cart-lists-flat",),
        "Loop refuses every cart, with status 200.",
    ),
    Defect(
        "sends-each-variant-once",
        STOREFRONT,
        ((PIECES, "lines.map(({ variant_id }) => variant_id);"),),
        (f"{CARTS}bought-with-credit", f"{CARTS}update-overwrites"),
        "Who wanted three gets one.",
    ),
    Defect(
        "goes-back-with-the-cart-of-before",
        STOREFRONT,
        ((STAYS, ""),),
        (f"{CARTS}unknown-variant", f"{CARTS}while-loop-is-down"),
        "The shopper goes back with no cart, or with one that lacks what they chose.",
    ),
    Defect(
        "forgets-the-hand-over-on-the-next-page",
        STOREFRONT,
        ((ONLY_HERE, ""),),
        (f"{CARTS}bought-with-credit",),
        "Nobody who looks at a second page can spend their credit.",
    ),
    Defect(
        "goes-back-to-the-old-portal-alone",
        STOREFRONT,
        ((WAY, "    const way = `https://${loop_domain}/#/cart/v2`;\n"),),
        (f"{CARTS}bought-with-credit",),
        "Shops with the new portal get their shoppers back on no page at all.",
    ),
    Defect(
        "loses-the-key-of-the-return",
        STOREFRONT,
        ((KEY, 'const key = loop_return_key ? "" : '),),
        (f"{CARTS}bought-with-credit",),
        "The portal has the cart, and not the return that it belongs to.",
    ),
    Defect(
        "has-one-cart-for-all",
        STOREFRONT,
        (("    const key = String(id);\n", '    const key = String(id).slice(0, 0) || "the shop";\n'),),
        (f"{CARTS}of-two-shoppers",),
        "A shopper is sent what somebody else chose.",
    ),
    Defect(
        "takes-no-answer-for-kept",
        STOREFRONT,
        (
            (
                "      this.say(`cart of ${session.id}: ${error.message}`);\n",
                "      if (!(error instanceof Refused)) session.kept = true;\n",
            ),
        ),
        (f"{CARTS}while-loop-is-down",),
        "A shopper goes back with the cart of before, because Loop was down for a moment.",
    ),
    Defect(
        "asks-again-at-once",
        STOREFRONT,
        (("        await sleep(wait);\n", ""),),
        ("too-many-attempts-waited-out",),
        "Loop is asked again at once whenever it asks to wait, until nobody's cart is kept.",
    ),
)

LINK_DEFECTS = (
    Defect(
        "signs-unsorted",
        STOREFRONT,
        (
            ("    query.sort();\n", ""),
            (
                "{ order, partner: PARTNER, shop_domain: shopDomain }",
                "{ shop_domain: shopDomain, order, partner: PARTNER }",
            ),
        ),
        ("links-signed-right",),
        "Loop refuses every link that the shop has sent.",
    ),
    Defect(
        "signs-in-base64",
        STOREFRONT,
        ((SIGNED, SIGNED.replace('digest("hex")', 'digest("base64url")')),),
        ("links-signed-right",),
        "Loop refuses every link that the shop has sent.",
    ),
    Defect(
        "signs-in-capitals",
        STOREFRONT,
        ((SIGNED, SIGNED.replace('digest("hex")', 'digest("hex").toUpperCase()')),),
        ("links-signed-right",),
        "Loop refuses every link that the shop has sent.",
    ),
    Defect(
        "signs-before-encoding",
        STOREFRONT,
        ((SIGNED, SIGNED.replace("query.toString()", "decodeURIComponent(query.toString())")),),
        ("links-signed-right",),
        "Links to orders with a sign in their name are refused, and nobody tests one of those.",
    ),
    Defect(
        "asks-for-a-link-without-a-zip",
        STOREFRONT,
        (
            (
                WITH_ZIP,
                '    return { url: await this.loop.orderLink(order, zip ?? undefined, gift).catch(() => undefined) + "" };\n',
            ),
        ),
        (f"{LINKS}that-cannot-be",),
        "The shopper is given a link called undefined.",
    ),
    Defect(
        "forgets-that-it-is-a-gift",
        STOREFRONT,
        (
            (
                'this.ask("POST", `${this.base}/order/link`, { name, zip, gift })',
                'this.ask("POST", `${this.base}/order/link`, { name, zip })',
            ),
        ),
        (f"{LINKS}to-an-order",),
        "The receiver of a gift is offered the money of whoever gave it.",
    ),
    Defect(
        "calls-everything-a-gift",
        STOREFRONT,
        (
            (
                'this.ask("POST", `${this.base}/order/link`, { name, zip, gift })',
                'this.ask("POST", `${this.base}/order/link`, { name, zip, gift: "" + gift + 1 })',
            ),
        ),
        (f"{LINKS}to-an-order",),
        "Nobody is offered a refund any more.",
    ),
)

CHECKOUT_DEFECTS = (
    Defect(
        "offers-what-nobody-offered",
        STOREFRONT,
        (
            (
                OFFERED,
                "      session.offer = { ...(said.chargeInstructions ?? { amount: 0, currency: cart.currencyCode }),",
            ),
        ),
        (f"{CHECKOUT}not-eligible", "offers-told-verbatim"),
        "A shopper is charged for coverage that they do not have.",
    ),
    Defect(
        "begins-a-session-each-time",
        STOREFRONT,
        ((ANALYZED, ANALYZED.replace("sessionId, cart", "sessionId: `${sessionId}-${Math.random()}`, cart")),),
        (f"{CHECKOUT}asked-again",),
        "Loop has an analysis for each change of a cart, and the order belongs to the last one alone.",
    ),
    Defect(
        "has-one-session-for-all",
        STOREFRONT,
        ((ANALYZED, ANALYZED.replace("sessionId, cart", "sessionId: shopDomain, cart")),),
        (f"{CHECKOUT}asked-again",),
        "Shoppers overwrite the offers of one another.",
    ),
    Defect(
        "spells-the-mode-its-own-way",
        STOREFRONT,
        (("accepted_offer_mode: mode }", 'accepted_offer_mode: mode.map((each) => each.replaceAll("_", "-")) }'),),
        ("offers-told-verbatim",),
        "Loop does not know what the shopper has paid for.",
    ),
    Defect(
        "takes-the-offer-for-who-declined",
        STOREFRONT,
        ((TAKEN, "    const offer = session.offer;\n"),),
        (f"{CHECKOUT}offer",),
        "A shopper is charged for what they declined.",
    ),
    Defect(
        "does-not-say-whose-offer-it-was",
        STOREFRONT,
        ((METADATA, ""),),
        ("offers-told-with-session",),
        "Loop cannot tell which offer the order took.",
    ),
    Defect(
        "fails-without-checkout-plus",
        STOREFRONT,
        ((NO_OFFER, "      throw error;\n"),),
        (f"{CHECKOUT}without-loop",),
        "Nobody can pay while Loop is down.",
    ),
    Defect(
        "waits-for-checkout-plus",
        STOREFRONT,
        ((ANALYZED, ANALYZED.replace("OFFER_TIMEOUT", "TIMEOUT")),),
        (f"{CHECKOUT}without-loop",),
        "Shoppers leave a checkout that hangs.",
    ),
)

STOREFRONT_DEFECTS = (*CART_DEFECTS, *LINK_DEFECTS, *CHECKOUT_DEFECTS)
