"""Every quirk of Loop's API that loopsim must show: an id, one sentence, and where it is told.

Sources: a number is the line of `returns.md`, section 9; `resources N` is a part and `B …` a line of appendix B of
`resources.md`; a name is a row of the table "Settled here" of the facts'
README; `client N` is the N-th line of "What real clients rely on".
"""

from __future__ import annotations

from typing import NamedTuple

import pytest


class Quirk(NamedTuple):
    """One thing that a simulator written from a strict reading of the docs would get wrong."""

    says: str
    sources: tuple[str | int, ...]


def shows(*ids: str) -> pytest.MarkDecorator:
    """Marks a test that shows these quirks: it must fail when any one of them is switched off."""
    strangers = [name for name in ids if name not in QUIRKS]
    assert not strangers, f"not in the catalogue: {strangers}"
    return pytest.mark.shows(*ids)


def shown_by(item: pytest.Item) -> list[str]:
    """The quirks that a test shows."""
    return [name for mark in item.iter_markers("shows") for name in mark.args]


def _of(says: str, *sources: str | int) -> Quirk:
    return Quirk(says, sources)


LINES_OF_SECTION_9 = range(1, 33)
LINES_OF_CLIENTS = tuple(f"client {number}" for number in range(1, 9))
SETTLED = (
    "versions", "401", "details, shape", "details, fields", "list, fields", "list order", "next page", "notes",
    "label fields", "return.updated", "topic without data", "topic names", "webhook secret", "webhook payload",
    "webhook order", "webhook retry", "webhook body", "API answers", "action success", "POST /webhooks without status",
    "flag", "remove", "POST /order/link without fields", "allowlist and blocklist create", "grading", "time formats",
    "totals", "durations", "ids", "429", "HQ, MCP server",
)  # fmt: skip

LINES_OF_RESOURCES = (
    "resources 1.1", "resources 1.4", "resources 1.5", "resources 1.10", "resources 1.12", "resources 1.13", "B ids",
    "B POST / PUT status", "B list default / max", "B limit out of range", "B bad cursor", "B duplicate external id",
    "resources 1.2", "B order `created_at` absent", "B order not fulfilled", "B float money", "B unknown fields",
    "B `sales_channel` on customers", "resources OAuth", "resources 1.14", "resources 1.17",
    "resources 1.9", "resources 1.15", "resources 0", "resources 1.11", "B 429", "B missing scope",
    "B extra response headers",
)  # fmt: skip
"""What `resources.md` tells of the families that are there: parts of its part 1, and lines of its appendix B."""

QUIRKS: dict[str, Quirk] = {
    # answers
    "answers-php-json": _of("API answers are json_encode output: compact, \\/, lower-case \\uXXXX.", "API answers"),
    "answer-headers": _of("Answers bear the captured headers, and no charset.", "versions", "B extra response headers"),
    "version-names": _of(
        "v1, dates, latest, unstable and none at all name a version; a header says which.", "versions"
    ),
    "version-v2-gone": _of("/api/v2 is 404.", "versions"),
    "version-asn-span": _of("Since 2026-10 the ASN refuses more than 120 days.", "versions"),
    "version-grade-object": _of("Since 2026-10 the grade is an object; a text is refused.", "versions"),
    "unauthorized-by-group": _of("Two 401 bodies, by route group.", 4, "401"),
    "scope-missing-401": _of(
        "A key without the scope gets the 401 of a key that is unknown, not 403.", 4, "401", "B missing scope"
    ),
    "seven-error-shapes": _of("Errors come in seven shapes.", 4),
    "wrong-path-404-json": _of("A path that does not exist answers 404 in JSON.", "client 5"),
    "wrong-method-405-json": _of("A method that does not exist answers 405 in JSON.", "client 5"),
    "trailing-slash": _of("A slash at the end is the same path, without a redirect.", "client 4"),
    "unknown-parameters-ignored": _of("Unknown query parameters are ignored, whatever they hold.", "client 2"),
    "lenient-booleans": _of("True, 1 and on are true in queries.", "client 2"),
    "rate-limit-300": _of("300 calls a minute and key, told in headers.", 31, "429"),
    "rate-limit-429": _of(
        "The 429 says Too Many Attempts, when to come back, and that nothing remains.", 31, "429", "B 429"
    ),
    "rate-limit-window": _of("The window is 60 s of real time from the first call.", "429"),
    "rate-headers-true": _of("The rate headers tell the truth on every answer.", 31, "client 8"),
    "unknown-fields": _of("A switch adds a field that nobody knows, as the vendor may at any time.", 32),
    # list
    "list-bare-array": _of("Without paginate the list is a bare array.", 12),
    "list-window-24h": _of("Without from and to the list covers the last 24 hours.", 12),
    "list-from-alone": _of("from alone means 24 hours after it.", 12),
    "list-to-alone": _of("to alone is ignored.", 12),
    "list-120-days": _of("More than 120 days are refused.", 12),
    "list-120-days-exact": _of("Exactly 120 days are accepted.", "client 1"),
    "list-last-second": _of("The last second of the window is included.", "client 1"),
    "list-lenient-dates": _of("Dates are read as leniently as Carbon reads them; no zone is UTC.", "client 1"),
    "list-states": _of("Unasked, cancelled returns and those in review are left out.", 12),
    "list-oldest-first": _of("Rows ascend by the filter column, then by id.", "list order"),
    "list-key-order": _of("A row has the captured keys in the captured order.", "list, fields"),
    "list-four-outcomes": _of("outcomes_processed_at has four keys.", "list, fields"),
    "list-negative-credit": _of("A credit line may have a negative price.", "list, fields"),
    "list-exchange-type": _of("The type of an exchange is exchange.", "list, fields"),
    "list-types-alike": _of("No field changes its JSON type from row to row.", "client 3"),
    "cursor-content": _of("The cursor is base64 JSON of the filter column and _pointsToNextItems.", 13, "next page"),
    "cursor-envelope": _of("A request with a cursor gets the envelope without paginate.", 13, "next page"),
    "cursor-equal-times": _of("No row of equal times is lost or doubled between pages.", "next page"),
    "cursor-unreadable": _of("A cursor that cannot be read counts as none.", "next page"),
    "page-both-keys": _of("Both URL keys are always there, null at the ends.", 13),
    "page-repeats-query": _of("nextPageUrl repeats what shaped the page, and not paginate.", "next page", "client 3"),
    "page-window-resolved": _of("nextPageUrl of a defaulted window names its moments.", "next page"),
    "page-own-host": _of("Page URLs are absolute, on the host, port and version the client used.", "client 3"),
    "page-verbatim": _of("Page URLs can be followed verbatim, there and back.", "client 3"),
    "page-none-empty": _of("There is no empty last page.", "client 3"),
    # fields
    "list-string-ids": _of("The list has ids as texts.", 7, "list, fields"),
    "row-per-unit": _of("Each unit is a line item; there is no quantity.", 9),
    "label-lines-numbers": _of("Labels name their line items by number, line items bear their id as text.", 9),
    "order-number": _of("order_number is Shopify's number, 1000 less than that in the order's name.", 8),
    "na-texts": _of("What is not there is N/A in tracking_number, label_updated_at and return_comment.", 10),
    "empty-texts": _of("exchange_variant and barcode are empty texts where there is none.", 10),
    "label-pending": _of("While a label is made: no carrier, number N/A, pending, a time.", 10, "label fields"),
    "label-none": _of("Where no label will come, all four fields are N/A.", "label fields"),
    "returned-at-spaced": _of("returned_at has the space form beside ISO times.", 11),
    "php-datetime-dumps": _of("Times of outcomes are PHP DateTime dumps.", 11, "list, fields"),
    "time-formats": _of("Each endpoint has its own spelling of time.", "time formats"),
    "totals-tax-on-top": _of("return_total is product less discount plus tax.", "totals"),
    "totals-tax-inside": _of("Where prices include tax, return_total is product less discount.", "totals"),
    "unit-refund-sum": _of("A unit's refund is refund_item plus refund_tax.", "totals"),
    "ids-rise": _of("Ids of a shop rise by one from a start that the seed gives.", "ids"),
    "ids-apart": _of("The ids of two shops of one run never overlap.", "ids"),
    "snowflakes": _of("Ids of Commerce Data are snowflakes of the shop's time.", "ids"),
    # details
    "details-not-found": _of("Details of an unknown return: 200 and error, singular.", 2),
    "details-by-id": _of("By return_id one object.", "details, shape"),
    "details-by-order": _of("By order an array of its returns, newest last.", "details, shape"),
    "details-order-id": _of("order_id asks for the provider's id, and is it.", "details, shape", "details, fields"),
    "details-number-ids": _of("Details have ids as numbers.", 7, "details, fields"),
    "details-space-times": _of("Details have times in the space form.", 7, "details, fields"),
    "details-reasons": _of("Details call the reasons reason and parent_reason.", 7),
    "details-own-fields": _of("Details have refunds and exchange at the top level.", 7),
    "details-no-order-number": _of("order_number is null outside Shopify.", "details, fields"),
    "details-exchange-orders": _of("Exchange orders are arrays: empty, then of texts.", "details, fields"),
    # ASN, notes, deep links
    "asn-epoch": _of("A date that cannot be read becomes the epoch, silently.", 14),
    "asn-week": _of("The ASN covers the last week by default.", 14),
    "notes-none": _of("Notes of a return without notes: 422 and false.", 3),
    "notes-array": _of("Notes are a bare array, newest first, in space form.", "notes"),
    "note-255": _of("A note may have 255 characters.", 17),
    "qr-type": _of("An unknown QR type becomes a PNG, silently.", 15),
    "link-fields": _of("A link without fields is refused as captured.", "POST /order/link without fields"),
    # actions
    "refusals-200": _of("Refusals of actions arrive with status 200 and errors.", 1),
    "success-true": _of("An action that succeeds answers the bare scalar true.", 1, "action success"),
    "refusal-echo": _of("The refusal echoes the raw state.", 5),
    "flagged-open": _of("A flagged return is refused as open, with a code of its own.", 5),
    "cancel-words": _of("Cancel words its refusal of expired and flagged returns in its own way.", 29),
    "process-later": _of("Process answers at once and happens later; details in between say open.", 6),
    "process-fails": _of("A process that fails later is told by return.processing.failed.", 6),
    "flag-marker": _of("A flag is a marker: the state stays.", "flag"),
    "flag-staff": _of("Staff takes a flag away and sends a review back to open.", "flag"),
    "remove-at-once": _of("Remove processes inside the call.", "remove"),
    "remove-first-closes": _of("The first remove closes the return, so that all ids belong into one call.", 16),
    "remove-all-cancels": _of("Removing every item cancels the return.", 16),
    "remove-own-errors": _of("Remove has its own mixture of 403, 422 and 500.", 16),
    # lifecycle
    "expiry": _of("Returns whose label never moved expire after 28 days, and no others.", 29),
    "out-of-stock": _of("Out of stock delivers the other outcomes, then the return is in review.", 30),
    "label-after-4s": _of("A label is there 4 s after submit.", "durations"),
    "processed-after-2s": _of("A queued process is done after 2 s.", "durations"),
    "carrier-in-days": _of("The carrier takes days, by service.", "durations"),
    # labels, grading, fraud, Happy Returns
    "label-request-addresses": _of("state, zip, phone in the webhook; region, postal_code and no phone in REST.", 22),
    "label-request-money": _of("currency in products, currency_code in rates, integer cents; texts in returns.", 22),
    "label-request-errors": _of("A label request with errors stays issued.", 23),
    "label-201": _of("POST /labels answers 201 with Location.", 24),
    "label-put-204": _of("PUT /labels answers 204.", 24),
    "label-error-202": _of("Reporting an error answers 202.", 24),
    "label-generate-202": _of("Generating a label answers 202 with returnId in camel case.", 24),
    "grade-echo": _of("Dispositioning answers a bare array that echoes the items.", 26),
    "grade-30": _of("At most 30 items are graded in a call.", 26, "grading"),
    "grade-foreign": _of("Foreign line items are 403.", 26),
    "fraud-statuses": _of("Fraud reports have real statuses: 201, 409, 404.", 27),
    "happy-ids": _of("Neighbouring paths take two kinds of id.", 28),
    "happy-links": _of("Page links point to /shipments/list.", 28),
    "happy-next-url": _of("next_page_url is absolute, on the host the client used, and can be followed.", "client 3"),
    # the webhooks API
    "webhook-put-full": _of("PUT needs topic, trigger and url, and answers 204.", 25),
    "webhook-404": _of("An unknown webhook is 404 with a code and no message.", 25),
    "webhook-active": _of("A webhook made without status is active.", "POST /webhooks without status"),
    "topics-dotted": _of("Topics are dotted.", "topic names"),
    "topic-any-trigger": _of("Topic and trigger are independent; topic return at label.created has the tracking.", 19),
    "secret-untold": _of("The secret is in no answer of Loop's.", "webhook secret"),
    # payloads
    "webhook-php-json": _of("Webhook bodies are json_encode output.", 18, "webhook body"),
    "webhook-signature": _of("X-Loop-Signature is base64 of HMAC-SHA256 over these bytes.", 18, "webhook body"),
    "webhook-no-ids": _of("There is no event id and no timestamp header.", 18),
    "webhook-key-order": _of("Keys come in the captured order.", "webhook body"),
    "webhook-plain-http": _of(
        "Webhooks go to http on loopback, as application/json, an object at top level.", "client 7"
    ),
    "webhook-no-label-yet": _of("return.created knows no label yet.", 19),
    "webhook-empty-pair": _of("A topic without data is delivered as [].", "topic without data"),
    "closing-sends-both": _of("Closing sends return.updated, already closed, and return.closed.", 20),
    "payload-processing-ids": _of("return.processing has return_id as a number.", 21),
    "payload-return-ids": _of("Topic return has id as a text.", 21),
    "payload-label-ids": _of("id in topic label is the return's, a number.", 21),
    "payload-giftcard-ids": _of("giftcard has return_id as a text and no shop id.", 21),
    "updated-by-state": _of("return.updated fires when the state changes.", "return.updated"),
    "updated-by-edit": _of("return.updated fires on edits.", "return.updated"),
    "updated-by-flag": _of("return.updated fires on flags.", "return.updated"),
    "updated-by-grading": _of("return.updated fires on grading.", "return.updated"),
    "updated-by-label": _of("return.updated fires on each change of a label.", "return.updated"),
    # deliveries
    "secret-shared": _of("The webhooks of a shop share one secret.", "webhook secret"),
    "payload-at-event": _of("Retry and resend send the bytes made at the event.", "webhook payload"),
    "signed-when-sent": _of("Signed with the secret of the moment of sending.", "webhook payload"),
    "first-in-order": _of("First attempts of a webhook and return leave in order, one at a time.", "webhook order"),
    "retry-holds-nothing": _of("A retry holds nothing back.", "webhook order"),
    "retry-six": _of("Six attempts, then no more.", "webhook retry"),
    "retry-backoff": _of("30 s times 2 to the n, give or take 20 %.", "webhook retry"),
    "retry-after": _of("Retry-After is honoured up to 1800 s.", "webhook retry"),
    "retry-after-fatal": _of("A Retry-After above 1800 s ends the delivery.", "webhook retry"),
    "retry-statuses": _of("408, 425, 429, 5xx, silence and refused connections are retried.", "webhook retry"),
    "retry-not-4xx": _of("Other 4xx are not retried.", "webhook retry"),
    "attempt-10s": _of("An attempt has 10 s.", "webhook retry"),
    "never-deactivated": _of("A webhook stays active however often it fails.", "webhook retry"),
    # commerce data, listings, carts
    "cart-cors": _of("Carts are called from browsers: CORS with credentials.", "client 6"),
    "cart-refusals-200": _of("A cart that cannot be is refused with HTTP 200.", "resources 1.12"),
    "listings-201": _of("Creating in an allowlist answers 201.", "allowlist and blocklist create"),
    "listings-page": _of("Listings come in Laravel's page, 15 at a time, with links.", "resources 1.10"),
    "commerce-snowflakes": _of(
        "Ids of commerce data are bare numbers beyond 2^53 that hold the moment.", "ids", "B ids"
    ),
    "commerce-text-ids": _of("With a request header they are texts.", "B ids"),
    "commerce-201-200": _of("POST answers 201, PUT 200, whether it made or changed something.", "B POST / PUT status"),
    "commerce-upsert-ignores-id": _of("A PUT goes by external_id; an id in its body is ignored.", "resources 1.4"),
    "commerce-external-id-taken": _of("A merchant's id that is in use is a 422.", "B duplicate external id"),
    "commerce-limit": _of("50 a page, 250 at most, by id.", "B list default / max"),
    "commerce-limit-422": _of("A limit out of range is a 422.", "B limit out of range"),
    "commerce-bad-cursor": _of("A cursor that cannot be read is the first page.", "B bad cursor"),
    "commerce-next-limit": _of(
        "The next page's address repeats a limit that was given, and no other.", "resources 1.1"
    ),
    "commerce-cursor-content": _of("The cursor is base64url of the last global_id, without padding.", "resources 1.1"),
    "commerce-id-free-again": _of("A merchant's id of what was deleted may be used again.", "resources 1.1"),
    "commerce-address-empty": _of("An empty text in an address is refused, null is not.", "resources 1.1"),
    "commerce-email-shared": _of("Two customers may have one e-mail address.", "resources 1.4"),
    "commerce-upsert-keeps-ids": _of("An upsert keeps the ids of a product and its default variant.", "resources 1.5"),
    "money-dialects": _of("Orders have money as whole minor units, returns of them as decimal texts.", "resources 0"),
    "commerce-money-cut": _of("Fractions of money are cut off, not rounded and not refused.", "B float money"),
    "commerce-unknown-dropped": _of("Unknown fields are dropped without a word.", "B unknown fields"),
    "commerce-channel-null": _of(
        "sales_channel of a customer is null although it was sent.", "B `sales_channel` on customers"
    ),
    "commerce-default-variant": _of("A new product makes a default variant.", "resources 1.5"),
    "commerce-variant-id-unique": _of("A variant's external_id is unique over the shop.", "resources 1.5"),
    "commerce-option-literal": _of("An option's value is one of its product's, to the letter.", "resources 1.5"),
    "version-order-dates": _of("Since 2026-10 an order needs created_at.", "versions", "B order `created_at` absent"),
    "order-dates-null": _of("Times of an order that were not sent are null.", "B order `created_at` absent"),
    "order-unfulfilled": _of(
        "An order without shipments is taken, and nothing on it is eligible.", "B order not fulfilled"
    ),
    "order-part-ids": _of("Ids of lines and shipments are unique over the shop.", "resources 1.2"),
    "order-customer-live": _of("The customer of an order is who it is now.", "resources 1.2"),
    "order-fulfilled-at": _of("A shipment that does not say when it left makes nothing eligible.", "resources 1.2"),
    "order-metadata-dropped": _of("Metadata of an order is taken and dropped.", "resources 1.2"),
    "order-shipping-total": _of("total_shipping is taken and never shown.", "resources 1.2"),
    "destination-statuses": _of("A destination is made with 200, and deleted with the text Success.", "resources 1.11"),
    "destination-address": _of("Destinations say state and zip, locations region and postal_code.", "resources 1.11"),
    "cart-update-no-token": _of("The answer to a cart's update has no token.", "resources 1.12"),
    "order-both-ids": _of("A reference by both ids is refused.", "resources 1.1"),
    # OAuth
    "oauth-token-hour": _of(
        "An access token ends after an hour of the shop's clock, with a plain 401.", "resources OAuth"
    ),
    "oauth-bearer-places": _of("Webhooks and labels take tokens, nothing else does.", "resources OAuth"),
    # Checkout+, deep links of partners
    "checkout-off": _of("Checkout+ is off until a shop has it.", "resources 1.14"),
    "checkout-same-session": _of("The same cart renews its analysis, under the same session.", "resources 1.14"),
    "partner-link-307": _of("A partner's link goes on with 307 when its query is signed.", "resources 1.17"),
    # draft returns
    "version-draft-forms": _of("Since 2026-10 draft returns are HAL-Forms.", "versions", "resources 1.13"),
    "draft-list-accept": _of("In 2026-07 the list of drafts needs its Accept.", "resources 1.13"),
    "draft-accept-forms": _of("In 2026-07 HAL-Forms are for who accepts them.", "resources 1.13"),
    "draft-errors-in-document": _of("A refusal is a 422 in the whole document, draft and links.", "resources 1.13"),
    "draft-unfulfilled-silent": _of(
        "An order without shipments begins a draft that offers nothing, without an error.", "resources 1.1"
    ),
    "draft-ready-by-link": _of("A draft is ready where the link to submit it is there.", "resources 1.13"),
    "draft-totals-currency": _of("The totals' page says currencyCode since 2026-10.", "resources 1.13"),
    "draft-address-open": _of("An address that no policy covers leaves the draft open.", "resources 1.13"),
    "draft-shopper-token": _of("A shopper's token that does not fit a draft is a 404; none is told.", "resources 1.13"),
    "draft-shop-now-pos": _of("A return in a store is exempt from the Shop Now check.", "resources 1.13"),
    "listings-decide": _of("Blocked orders return nothing; allowed ones get past the window.", "resources 1.10"),
    "bulk-later": _of("A file is taken with 201, and carried out later.", "resources 1.9"),
    "bulk-line-alone": _of("A line that fails stops no other.", "resources 1.9"),
    "ship-deadline": _of("A partner of Ship by Loop has twelve looks of five seconds to answer.", "resources 1.15"),
    "ship-token-only": _of("No API key answers Ship by Loop.", "resources 1.15"),
    # settings: each named quirk changes what it says
    "setting-unauthorized_body": _of("gateway and legacy send one 401 everywhere.", "401"),
    "setting-details_by_order": _of("object answers the newest return alone.", "details, shape"),
    "setting-label_change_fires_return_updated": _of("off: labels change quietly.", "return.updated"),
    "setting-grading_fires_return_updated": _of("off: grading is quiet.", "return.updated"),
    "setting-empty_pair": _of("skip delivers nothing for a topic without data.", "topic without data"),
    "setting-webhook_secret": _of("per_webhook gives each webhook a secret of its own.", "webhook secret"),
    "setting-delivery_order": _of("strict: a retry holds back what follows.", "webhook order"),
    "setting-webhook_deactivation": _of("after_10_failures: the eleventh failure switches off.", "webhook retry"),
    "setting-action_success": _of('The text "true" instead of the scalar.', "action success"),
    "setting-webhook_default_status": _of(
        "inactive: without status, a webhook is silent.", "POST /webhooks without status"
    ),
    "setting-flag_moves_to_review": _of("on: a flag moves an open return to review.", "flag"),
    "setting-page_size_over_limit": _of("clamp: a page size beyond the limit is brought into it.", "list, fields"),
    "setting-retry_after_header": _of("off: a 429 does not say when to come back.", "429"),
    "setting-oauth_refresh_token": _of("offline_access: no refresh token unless asked for.", "resources OAuth"),
    "setting-oauth_refresh_rotation": _of("on: a refresh token is good once.", "resources OAuth"),
    "setting-unknown_field": _of("on: answers and webhooks have a field that nobody knows.", 32),
}

OUTSIDE = ("HQ, MCP server",)
"""What the facts themselves leave out: too little is public."""
