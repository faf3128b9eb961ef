"""Defects in how the warehouse takes in webhooks: signatures, acknowledgement, what a payload may hold."""

from __future__ import annotations

from tests.defects.defect import WAREHOUSE, Defect

KNOWN_FIELDS = (
    "topic trigger shop_id id return_id state created_at edited_at total order_id order_name provider_order_id order_number"
    " provider_order_number provider_order_external_id provider_order_sales_channel customer customer_detail address"
    " currency return_product_total return_discount_total return_tax_total return_total return_credit_total"
    " status_page_url exchange_product_total exchange_discount_total exchange_tax_total exchange_total"
    " exchange_credit_total gift_card handling_fee refund is_gift_return refunds upsell labels line_items exchanges"
    " happy_returns_shipment_id carrier tracking_number label_status label_updated_at updated_at outcome multi_currency"
    " origin_country origin_country_code gift_card_order_name gift_card_order_id label_url label_rate destination_id"
    " return_method package_reference type refund_before_inspection was_processed outcomes_processed_at shipment_id"
    " message code errors exchange reason"
)

CHECK = "        if not signed(body, signature, self.secrets):\n"
MADE = "    made = [base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)) for secret in secrets]\n"
HEED = "        payload = json.loads(body)\n        if not isinstance(payload, dict):  # an empty"
QUEUED = "        self.add_job(partial(self.heed, body))\n        return 200\n"
# Many a service has no such net as this one's worker: what a delivery runs into ends it.
SURVIVES = '            except Exception as error:\n                self.say(f"could not do a job'
DIES = (
    SURVIVES,
    "            except (TypeError, ValueError, AttributeError):\n                os._exit(70)\n" + SURVIVES,
)


def made(new: str) -> tuple[tuple[str, str], ...]:
    return ((MADE, f"    made = [{new} for secret in secrets]\n"),)


def heeds(new: str) -> tuple[str, str]:
    """The change that looks at a payload before anything else does."""
    return (HEED, f"        payload = json.loads(body)\n{new}        if not isinstance(payload, dict):  # an empty")


WEBHOOK_DEFECTS = (
    Defect(
        "no-signature-check",
        WAREHOUSE,
        ((CHECK, "        if False:\n"),),
        ("signature-verified",),
        "Anybody who knows the address makes the warehouse act.",
    ),
    Defect(
        "accepts-unsigned",
        WAREHOUSE,
        ((CHECK, "        if signature and not signed(body, signature, self.secrets):\n"),),
        (
            "signature-required",
            "signature-verified",
        ),
        "Whoever leaves the header out is let in.",
    ),
    Defect(
        "checks-only-that-a-signature-is-there",
        WAREHOUSE,
        ((CHECK, "        if not signature:\n"),),
        ("signature-verified",),
        "Any text passes for a signature.",
    ),
    Defect(
        "logs-a-bad-signature-and-goes-on",
        WAREHOUSE,
        (('Loop did not sign")\n            return 401\n', 'Loop did not sign")\n'),),
        ("signature-verified",),
        "The check was switched to logging for a debugging session, and stayed so.",
    ),
    Defect(
        "answers-401-but-acts",
        WAREHOUSE,
        (
            (
                'Loop did not sign")\n            return 401\n',
                'Loop did not sign")\n            self.add_job(partial(self.heed, body))\n            return 401\n',
            ),
        ),
        ("signature-verified",),
        "The status is right and the money is gone all the same.",
    ),
    Defect(
        "compares-hex",
        WAREHOUSE,
        made("hmac.digest(secret.encode(), body, hashlib.sha256).hex().encode()"),
        ("genuine-signature-accepted",),
        "Every genuine webhook is turned away.",
    ),
    Defect(
        "signs-reserialised-json",
        WAREHOUSE,
        made("base64.b64encode(hmac.digest(secret.encode(), json.dumps(json.loads(body)).encode(), hashlib.sha256))"),
        ("genuine-signature-accepted",),
        "The framework parses first, and what is signed again is not what was sent.",
    ),
    Defect(
        "signs-unescaped-slashes",
        WAREHOUSE,
        made("base64.b64encode(hmac.digest(secret.encode(), body.replace(b'\\\\/', b'/'), hashlib.sha256))"),
        ("genuine-signature-accepted",),
        "A body with a web address in it, so every one of a return, is turned away.",
    ),
    Defect(
        "signs-with-sha1",
        WAREHOUSE,
        made("base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha1))"),
        ("genuine-signature-accepted",),
        "Copied from another platform's guide; every genuine webhook is turned away.",
    ),
    Defect(
        "decodes-the-secret",
        WAREHOUSE,
        made("base64.b64encode(hmac.digest(base64.b64decode(secret + '=='), body, hashlib.sha256))"),
        ("genuine-signature-accepted",),
        "The secret is text; decoded it is another, and every genuine webhook is turned away.",
    ),
    Defect(
        "works-before-it-answers",
        WAREHOUSE,
        ((QUEUED, "        self.heed(body)\n        return 200\n"),),
        ("acknowledged-before-work", "webhooks-acknowledged-in-time"),
        "On a slow day Loop gives up waiting, sends again, and the same return is worked on twice at once.",
    ),
    Defect(
        "answers-500-on-an-unknown-topic",
        WAREHOUSE,
        (
            (
                QUEUED,
                "        self.add_job(partial(self.heed, body))\n        kind = json.loads(body)\n"
                "        return 200 if isinstance(kind, dict) and kind.get('topic') in ('return', 'label') else 500\n",
            ),
        ),
        ("webhooks-acknowledged",),
        "A topic added to the subscription is retried six times for nothing, each time.",
    ),
    Defect(
        "answers-302",
        WAREHOUSE,
        (('self._answer(status, "taken"', 'self._answer(302 if status == 200 else status, "taken"'),),
        ("webhooks-acknowledged",),
        "A login page in front of the endpoint: Loop takes the redirect for a failure.",
    ),
    Defect(
        "hangs-up-without-an-answer",
        WAREHOUSE,
        (
            (
                '        self._answer(status, "taken"',
                '        if status == 200:\n            self.close_connection = True\n            return\n        self._answer(status, "taken"',
            ),
        ),
        ("webhooks-acknowledged",),
        "Every delivery counts as failed and is sent six times.",
    ),
    Defect(
        "crashes-on-an-unknown-field",
        WAREHOUSE,
        (
            DIES,
            heeds(
                f"        if isinstance(payload, dict) and payload.keys() - set({KNOWN_FIELDS!r}.split()):\n            raise TypeError('unexpected field')\n"
            ),
        ),
        ("unknown-fields-survived",),
        "Loop adds a field, as it says it may, and the integration stands still.",
    ),
    Defect(
        "crashes-on-null",
        WAREHOUSE,
        (
            DIES,
            heeds(
                "        for line in payload.get('line_items') or [] if isinstance(payload, dict) else []:\n            line['sku'].upper()\n"
            ),
        ),
        ("nulls-survived",),
        "One product without a SKU stops the work on all returns.",
    ),
    Defect(
        "crashes-on-not-available",
        WAREHOUSE,
        (
            DIES,
            heeds(
                "        if isinstance(payload, dict) and payload.get('label_updated_at'):\n            datetime.fromisoformat(payload['label_updated_at'])\n"
            ),
        ),
        ("not-available-survived",),
        'A return that needs no parcel says "N/A" for a time, and the work on all others stops.',
    ),
    Defect(
        "crashes-on-an-unknown-state",
        WAREHOUSE,
        (
            DIES,
            heeds(
                "        if isinstance(payload, dict) and payload.get('state', 'open') not in ('open', *HANDS_OFF):\n            raise ValueError(payload['state'])\n"
            ),
        ),
        ("unknown-values-survived",),
        "A state that is new this year stops the integration.",
    ),
    Defect(
        "crashes-on-an-empty-payload",
        WAREHOUSE,
        (
            DIES,
            (
                "        if not isinstance(payload, dict):  # an empty `[]`: Loop had no data for that topic yet\n            return\n",
                "",
            ),
        ),
        ("empty-payload-survived",),
        "A label topic subscribed with a return trigger comes as `[]`, and the work on all returns stops.",
    ),
    Defect(
        "dedupes-by-return",
        WAREHOUSE,
        (
            (
                "        known = self.remember(return_id)\n",
                "        if return_id in self.returns:\n            return\n        known = self.remember(return_id)\n",
            ),
        ),
        ("wms/two-way/inspect-and-process",),
        "The first event of a return is taken for all of them: no parcel is ever seen to arrive.",
    ),
    Defect(
        "trusts-the-order-of-webhooks",
        WAREHOUSE,
        (
            (
                "        known = self.remember(return_id)\n",
                "        known = self.remember(return_id)\n        if payload.get('labels') is not None:\n            self.told[return_id] = payload\n",
            ),
            (
                "        self.returns: dict[int, Expected] = {}\n",
                "        self.returns: dict[int, Expected] = {}\n        self.told: dict[int, Any] = {}\n",
            ),
            (
                "            details = self.loop.details(return_id)\n",
                "            details = self.told.get(return_id) or self.loop.details(return_id)\n",
            ),
            (
                "if not self.stood_back(return_id, self.loop.details(return_id)):",
                "if not self.stood_back(return_id, self.told.get(return_id) or self.loop.details(return_id)):",
            ),
        ),
        ("late-delivery-harmless",),
        "A late message brings back a state that was over long ago.",
    ),
    Defect(
        "ignores-late-webhooks",
        WAREHOUSE,
        (
            heeds(
                "        told = moment_of(payload)\n        if told and self.latest and told < self.latest:\n            return\n        self.latest = told or self.latest\n"
            ),
            (
                "        self.returns: dict[int, Expected] = {}\n",
                "        self.returns: dict[int, Expected] = {}\n        self.latest = ''\n",
            ),
            (
                "def say(line: str) -> None:\n",
                "def moment_of(payload: Any) -> str:\n    return isinstance(payload, dict) and str(payload.get('updated_at') or '') or ''\n\n\ndef say(line: str) -> None:\n",
            ),
        ),
        ("wms/two-way/news-of-two-returns-cross",),
        "A message of one return that is overtaken by one of another is dropped, and its parcel lies at the dock.",
    ),
    Defect(
        "takes-a-failed-processing-for-done",
        WAREHOUSE,
        (
            (
                '                self.mark(return_id, "attention", failure)\n',
                '                self.mark(return_id, "closed", failure)\n',
            ),
        ),
        ("wms/two-way/processing-fails",),
        "A customer waits for money that Loop could not pay, and the books say that it is paid.",
    ),
)
