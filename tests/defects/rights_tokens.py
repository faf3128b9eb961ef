"""Providers that come in by OAuth and are right in another way than the reference."""

from __future__ import annotations

from tests.defects.defect import LABEL_PROVIDER
from tests.defects.rights import Right

SUITE = "@label-provider/two-way"
HELD = '            if not self.held.get("access_token"):\n                self._ask()\n            return'
FIRST_READ = '            request = fields(self.loop.call("GET", f"/label-requests/{request_id}"))\n            if text'
FORM = "        body = urlencode({**self.client, **asked}).encode()\n"
FORM_TYPE = '{"Content-Type": "application/x-www-form-urlencoded"}'

RIGHT_PROVIDERS = (
    Right("oauth-reference", LABEL_PROVIDER, SUITE, "The reference."),
    Right(
        "renews-ahead-of-time",
        LABEL_PROVIDER,
        SUITE,
        "Renews ten minutes early by Loop's clock, as far as it knows it, and on a 401.",
        (
            ("from functools import partial\n", "from email.utils import parsedate_to_datetime\nfrom functools import partial\n"),
            ("        return answer.status, answer", '        LOOP["now"] = parsedate_to_datetime(answer.headers["Date"]).timestamp()\n'
             "        return answer.status, answer"),
            ("Json = dict[str, Any]\n", 'Json = dict[str, Any]\nLOOP = {"now": 0.0}\n'),
            ("        self.lock = threading.Lock()\n\n    def access",
             "        self.lock = threading.Lock()\n        self.ends = 0.0\n\n    def access"),
            (HELD, HELD.replace('"access_token"):', '"access_token") or LOOP["now"] > self.ends - 600:')),
            ("        self._keep()\n", '        self._keep()\n        self.ends = LOOP["now"] + int(answer["expires_in"])\n'),
        ),
    ),
    Right(
        "renews-for-each-request",
        LABEL_PROVIDER,
        SUITE,
        "Wasteful, and nowhere forbidden: a token of its own for each label.",
        ((FIRST_READ, "            self.loop.tokens.renew(self.loop.tokens.access())\n" + FIRST_READ),),
    ),
    Right(
        "asks-in-json-with-basic",
        LABEL_PROVIDER,
        SUITE,
        "Its secret in HTTP Basic, the rest as JSON.",
        (
            (FORM, "        pair = \":\".join(self.client.values())\n"
             '        basic = "Basic " + base64.b64encode(pair.encode()).decode()\n'
             "        body = json.dumps(asked).encode()\n"),
            (FORM_TYPE, '{"Content-Type": "application/json", "Authorization": basic}'),
        ),
    ),
)  # fmt: skip
