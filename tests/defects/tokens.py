"""Defects of a provider that comes in by OAuth: what goes wrong around its tokens."""

from __future__ import annotations

from tests.defects.defect import LABEL_PROVIDER, Defect

RENEWED = "                token, renewed = self.tokens.renew(token), True\n                continue\n"
ON_401 = "            if status == 401 and not renewed:\n" + RENEWED
SENT = "        return http(method, self.base + path, payload, headers)\n"
ASKED = 'status, _, content = http("POST", self.url, body,'
MADE = '        made = self.loop.call("POST", "/labels", label, took_effect=lambda: self.has_label(request_id))\n'
KEPT = '        kept = {"refresh_token": self.held.get("refresh_token")} | answer\n'
HELD = '            if not self.held.get("access_token"):\n                self._ask()\n            return'

TOKEN_DEFECTS = (
    Defect(
        "never-renews-its-token",
        LABEL_PROVIDER,
        ((ON_401, ""),),
        ("token-refreshed",),
        "An hour after it went live no label is made any more.",
    ),
    Defect(
        "counts-the-hour-itself",
        LABEL_PROVIDER,
        (
            (ON_401, ""),
            ("import threading\n", "import threading\nimport time\n"),
            ("        self.lock = threading.Lock()\n\n    def access", "        self.lock = threading.Lock()\n"
             "        self.ends = time.monotonic() + 3600\n\n    def access"),
            (HELD, HELD.replace('"access_token"):', '"access_token") or time.monotonic() > self.ends:')),
            ("        self._keep()\n", '        self._keep()\n        self.ends = time.monotonic() + int(answer["expires_in"])\n'),
        ),
        ("token-refreshed",),
        "Its clock and Loop's differ, or the machine slept, and every call is refused until somebody restarts it.",
    ),
    Defect(
        "goes-on-with-the-old-token",
        LABEL_PROVIDER,
        ((RENEWED, RENEWED.replace("token, renewed = self.tokens.renew(token), True", "self.tokens.renew(token)\n"
                                   "                renewed = True")),),
        ("token-refreshed",),
        "It renews its token, makes the call with the old one, and gives up.",
    ),
    Defect(
        "renews-and-forgets-the-call",
        LABEL_PROVIDER,
        ((RENEWED, '                self.tokens.renew(token)\n                raise Unavailable("our token has ended")\n'),),
        ("token-refreshed", "label-provider/two-way/token-expired"),
        "Once an hour a customer gets no label.",
    ),
    Defect(
        "buys-again-after-a-renewal",
        LABEL_PROVIDER,
        (
            (RENEWED, "                self.renewed = True\n" + RENEWED),
            ("self.tokens, self.stop = base.rstrip(\"/\"), tokens, stop\n",
             "self.tokens, self.stop = base.rstrip(\"/\"), tokens, stop\n        self.renewed = False\n"),
            (MADE, MADE + "        if self.loop.renewed:\n            self.loop.renewed = False\n"
             '            self.loop.call("POST", "/labels", label)\n'),
        ),
        ("label-provider/two-way/token-",),
        "Each renewal buys one label too many.",
    ),
    Defect(
        "keeps-its-first-refresh-token",
        LABEL_PROVIDER,
        ((KEPT, KEPT.replace("{\"refresh_token\": self.held.get(\"refresh_token\")} | answer",
                             'answer | {"refresh_token": self.held.get("refresh_token") or answer.get("refresh_token")}')),),
        ("label-provider/two-way/refresh-token-rotates",),
        "Where refresh tokens rotate it is locked out in its third hour, and every token of the merchant's ends.",
    ),
    Defect(
        "asks-on-and-on-when-locked-out",
        LABEL_PROVIDER,
        (
            (
                "            self.held = {}\n            raise LockedOut(f\"Loop refuses",
                "            self.asked = getattr(self, \"asked\", 0) + 1\n            if self.asked % 50:\n"
                "                return self._ask()\n            raise LockedOut(f\"Loop refuses",
            ),
        ),
        ("label-provider/two-way/application-removed",),
        "A merchant who leaves is answered with a storm, and Loop sees what looks like a theft.",
    ),
    Defect(
        "puts-its-token-where-keys-go",
        LABEL_PROVIDER,
        (('{"Authorization": f"Bearer {token}"', '{"X-Authorization": token'),),
        ("key-accepted",),
        "Loop refuses every call.",
    ),
    Defect(
        "writes-its-token-into-addresses",
        LABEL_PROVIDER,
        ((SENT, '        path += f"{\'&\' if \'?\' in path else \'?\'}access_token={token}"\n' + SENT),),
        ("secrets-not-in-urls",),
        "Whoever reads a log on the way can make labels in the merchant's name.",
    ),
    Defect(
        "writes-its-client-secret-into-the-address",
        LABEL_PROVIDER,
        ((ASKED, ASKED.replace("self.url, body", 'f"{self.url}?{urlencode(self.client)}", body')),),
        ("secrets-not-in-urls",),
        "Whoever reads a log on the way can pass for the application, at every merchant.",
    ),
)  # fmt: skip
