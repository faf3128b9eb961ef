"""Runs of a partner that comes in by OAuth: what it is handed, what is played, and what no report tells."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from msgspec import structs

from loopsim.client import Loopsim
from loopsim.harness.document import Scenario
from loopsim.harness.effects import effect
from loopsim.harness.partner import Start
from loopsim.harness.plan import IdleProbe, PartnerPlan
from loopsim.harness.reports import ctrf, github, html, junit
from loopsim.harness.results import RunResult
from tests.cli.terminal import run as cli
from tests.cli.terminal import serving

ROOT = Path(__file__).parents[2]
PROVIDER = f"exec {shlex.join([sys.executable, str(ROOT / 'loopsim/partners/label_provider.py')])}"
HOME = "http://127.0.0.1:{port}"

AN_HOUR = """
scenario: A label is asked for an hour later
protects: Standing still an hour after the beginning.
pattern: label-provider
direction: two-way
stages: [created]
shop: {policy: {label_source: third_party, carrier: manual}}
partners: {partner: {oauth: true}}
steps:
- clock.advances: 1h
- customer.submits_return: {items: [{outcome: refund}]}
  as: ret
- clock.advances: 10s
- expect.call: {operation: createLabel, status: 201, times: 1}
"""
REMOVED = AN_HOUR.replace("- clock.advances: 1h\n", "- merchant.removes_application\n").replace(
    "- expect.call: {operation: createLabel, status: 201, times: 1}", "- expect.no_call: {operation: createLabel}"
)

Play = Callable[..., RunResult]
Write = Callable[..., Scenario]


def provider(
    command: str = PROVIDER, oauth: Any = "tokens", env: dict[str, str] | None = None
) -> dict[str, PartnerPlan]:
    start = Start(command=command, target=f"{HOME}/webhooks/loop", health=f"{HOME}/health", env=env or {})
    plan = PartnerPlan(
        target=f"{HOME}/webhooks/loop", start=start, idle_probe=IdleProbe(url=f"{HOME}/state"), oauth=oauth
    )
    return {"": plan}


def verdict(run: RunResult, rule: str, number: int = 0) -> str:
    return next(str(each.outcome) for each in run.scenarios[number].verdicts if each.rule == rule)


def token_calls(run: RunResult, number: int = 0) -> list[dict[str, Any]]:
    return [entry for entry in run.scenarios[number].journal if entry.get("token")]


@pytest.mark.parametrize("given", ["tokens", "code"])
def test_the_shipped_provider_renews_its_token_and_is_judged_for_it(play: Play, scenario: Write, given: str) -> None:
    run = play(scenario(AN_HOUR), partners=provider(oauth=given))
    assert [each.status for each in run.scenarios] == ["passed"], run
    assert verdict(run, "token-refreshed") == "passed"
    # One token before, another after: whoever reads the journal can tell them apart.
    calls = token_calls(run)
    assert calls[0]["refusal"] == "token_expired"
    assert calls[0]["token"] not in {call["token"] for call in calls[1:]}


def test_stories_follow_each_other_each_with_an_hour_of_its_own(play: Play, scenario: Write) -> None:
    """Also after the merchant took the provider out: it is let in again before the next story."""
    stories = [scenario(AN_HOUR, "first"), scenario(REMOVED, "second"), scenario(AN_HOUR, "third")]
    run = play(*stories, partners=provider())
    assert [(each.status, each.failures) for each in run.scenarios] == [("passed", ())] * 3
    assert [verdict(run, "token-refreshed", n) for n in range(3)] == ["passed"] * 3
    assert token_calls(run, 1)[0]["refusal"] == "token_revoked"


def test_without_oauth_its_stories_are_skipped_and_say_so(play: Play, scenario: Write) -> None:
    run = play(scenario(AN_HOUR), partners={"": PartnerPlan()})
    assert run.scenarios[0].status == "skipped"
    assert "--oauth tokens" in run.scenarios[0].why


def test_a_key_opens_nothing_where_a_token_is_to_be_used(play: Play, scenario: Write) -> None:
    text = (ROOT / "loopsim/partners/label_provider.py").read_text("utf-8")
    keyed = text.replace('{"Authorization": f"Bearer {token}"', '{"X-Authorization": os.environ["LOOP_API_KEY"]')
    assert keyed != text
    program = Path(str(scenario(AN_HOUR).place.file)).parent / "keyed.py"
    program.write_text(keyed, "utf-8")
    run = play(scenario(AN_HOUR), partners=provider(f"exec {shlex.join([sys.executable, str(program)])}"))
    assert run.scenarios[0].status == "failed"
    assert verdict(run, "key-accepted") == "failed"


def test_what_is_handed_goes_by_names_of_its_own_too(play: Play, scenario: Write, tmp_path: Path) -> None:
    told = tmp_path / "told"
    names = '\'\\n%s\' "$LOOP_OAUTH_TOKEN_URL" "$MINE" "$LOOP_OAUTH_CODE$LOOP_OAUTH_REDIRECT_URI"'
    command = f"printf {names} > {shlex.quote(str(told))}; {PROVIDER}"
    env = {"MINE": "{client_id}/{client_secret}/{access_token}/{refresh_token}"}
    run = play(scenario(AN_HOUR), partners=provider(command, env=env))
    url, mine, code = told.read_text().splitlines()[1:] + [""] * (3 - len(told.read_text().splitlines()[1:]))
    assert run.scenarios[0].status == "passed"
    assert url.endswith("/oauth/token")
    client_id, client_secret, access, refresh = mine.split("/")
    assert client_id
    assert client_secret
    assert access.startswith("loop_at.")
    assert refresh.startswith("loop_rt.")
    assert code == ""


@pytest.mark.parametrize("given", ["tokens", "code"])
def test_no_report_holds_a_secret_of_oauth(play: Play, scenario: Write, server: Loopsim, given: str) -> None:
    """Not even where the partner prints all that it was handed, and all that it gets."""
    says = "print(content.decode(), body.decode(), flush=True)\n            answer = fields(json.loads(content))"
    text = (ROOT / "loopsim/partners/label_provider.py").read_text("utf-8")
    talks = text.replace("answer = fields(json.loads(content))", says)
    assert talks != text
    # Its log is told of where a story failed.
    story = scenario(AN_HOUR.replace("steps:", "steps:\n- partner.restarts: {}") + "- expect.no_call: createLabel\n")
    program = Path(str(story.place.file)).parent / "talks.py"
    program.write_text(talks, "utf-8")
    command = f"env; echo $LOOP_OAUTH_CLIENT_SECRET; exec {shlex.join([sys.executable, str(program)])}"
    run = play(story, partners=provider(command, given), shop=f"talks-{given}")

    (app,) = server.shop(f"talks-{given}").oauth_clients()
    assert "LOOP_OAUTH_CLIENT_ID=" + app["client_id"] in run.scenarios[0].partner_log
    texts = [run.scenarios[0].partner_log, json.dumps(run.scenarios[0].journal), junit.render(run).decode()]
    texts += [ctrf.render(run), html.render(run), github.annotations(run), github.step_summary(run)]
    for text in texts:
        assert app["client_secret"] not in text
        for kind in ("loop_at.", "loop_rt.", "loop_code."):
            assert f"{kind}talks" not in text
    # Which of them it was can still be told.
    renewal = next(e for e in run.scenarios[0].journal if e.get("operation") == "requestToken" and e["status"] == 200)
    assert "sha256:" in renewal["request_body"]
    assert "sha256:" in renewal["response_body"]


def test_renewing_a_token_is_no_effect_that_stories_are_compared_by() -> None:
    """A delivery that comes hours late meets a token that has ended, and does no harm by that."""
    label = {"kind": "call", "operation": "createLabel", "method": "POST", "status": 201, "response_body": "{}"}
    renewal = {**label, "operation": "requestToken", "status": 200}
    assert effect([renewal, label], [], 1) == effect([label], [], 1)


def test_a_provider_of_many_shops_is_told_the_tokens_of_each(play: Play, scenario: Write) -> None:
    """One application, with a grant for each merchant."""
    text = (ROOT / "loopsim/partners/label_provider.py").read_text("utf-8")
    many = text.replace(
        '        if urlsplit(self.path).path.rstrip("/") != "/webhooks/loop":\n',
        '        loop = self.server.provider.loop\n        if self.path == "/register":\n'
        "            told = json.loads(body)\n            loop.tokens.held = told\n"
        '            self.server.provider.secret = told["secret"]\n'
        '            assert told["client_secret"] == loop.tokens.client["client_secret"]\n'
        '            self._answer(200, "known")\n            return\n'
        '        if urlsplit(self.path).path.rstrip("/") != "/webhooks/loop":\n',
    )
    assert many != text
    stories = [scenario(AN_HOUR, "first"), scenario(AN_HOUR, "second")]
    program = Path(str(stories[0].place.file)).parent / "many.py"
    program.write_text(many, "utf-8")
    (plan,) = provider(f"exec {shlex.join([sys.executable, str(program)])}").values()
    plan = structs.replace(plan, register=f"{HOME}/register")
    run = play(*stories, partners={"": plan}, mode="tenant", jobs=1)
    assert [(each.status, each.failures) for each in run.scenarios] == [("passed", ())] * 2, run
    assert [verdict(run, "token-refreshed", n) for n in range(2)] == ["passed"] * 2


def test_flag_and_setting_say_what_a_partner_is_handed(tmp_path: Path) -> None:
    folder = tmp_path / "scenarios"
    folder.mkdir()
    (folder / "hour.loopsim.yaml").write_text(AN_HOUR.lstrip(), "utf-8")
    flags = ["--target", f"{HOME}/webhooks/loop", "--health", f"{HOME}/health", "--idle-probe", f"{HOME}/state"]
    by_flag = cli("run", "--start", PROVIDER, "--oauth", "code", "--format", "json", *flags, cwd=tmp_path)
    assert (by_flag.code, by_flag.json["scenarios"][0]["status"]) == (0, "passed"), by_flag.err

    settings = f"""
[run.partners.partner]
start = '{PROVIDER}'
target = "{HOME}/webhooks/loop"
health = "{HOME}/health"
idle-probe = "{HOME}/state"
oauth = "tokens"
"""
    (tmp_path / "loopsim.toml").write_text(settings, "utf-8")
    by_setting = cli("run", "--format", "json", cwd=tmp_path)
    assert (by_setting.code, by_setting.json["scenarios"][0]["status"]) == (0, "passed"), by_setting.err
    (tmp_path / "loopsim.toml").write_text(settings.replace('"tokens"', '"keys"'), "utf-8")
    wrong = cli("run", cwd=tmp_path)
    assert (wrong.code, "is handed tokens, or a code" in wrong.err) == (2, True), wrong.err


def test_a_partner_of_many_shops_has_to_be_told_their_tokens(tmp_path: Path) -> None:
    (tmp_path / "hour.loopsim.yaml").write_text(AN_HOUR.lstrip(), "utf-8")
    flags = ["--target", "http://127.0.0.1:9/{shop}", "--mode", "tenant", "--oauth", "tokens"]
    done = cli("run", "hour.loopsim.yaml", *flags, cwd=tmp_path)
    assert done.code == 2
    assert "give --register" in done.err


def test_by_hand_env_says_what_lets_a_partner_in_and_no_log_tells_it(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        values = cli("env", "--url", served.url, "--oauth", "tokens", "--format", "json").json
        again = cli("env", "--url", served.url, "--oauth", "code", "--format", "json").json
        assert again["LOOP_OAUTH_CLIENT_ID"] == values["LOOP_OAUTH_CLIENT_ID"]
        own = {name: values[f"LOOP_OAUTH_{name.upper()}"] for name in ("client_id", "client_secret")}
        told = {name: again[f"LOOP_OAUTH_{name.upper()}"] for name in ("code", "redirect_uri")}
        url = values["LOOP_OAUTH_TOKEN_URL"]
        asked = urlencode({**own, **told, "grant_type": "authorization_code"})
        with urlopen(
            f"{url}?{urlencode({'refresh_token': values['LOOP_OAUTH_REFRESH_TOKEN']})}", asked.encode()
        ) as got:
            tokens = json.load(got)
        hooks = f"{values['LOOP_API_BASE']}/webhooks?access_token={tokens['access_token']}"
        with urlopen(Request(hooks, headers={"Authorization": f"Bearer {tokens['access_token']}"})) as answer:
            assert answer.status == 200
        events = cli("events", "--url", served.url).out
        shop = Loopsim(served.url).shop("default")
        wait = shop.journal(wait=5)
        assert [entry["operation"] for entry in wait["entries"] if entry["kind"] == "call"][-1] == "listWebhooks"
    said = events + served.log.read_text("utf-8")
    assert "/oauth/token" in said
    secrets = [values[f"LOOP_OAUTH_{name}"] for name in ("CLIENT_SECRET", "ACCESS_TOKEN", "REFRESH_TOKEN")]
    for secret in (*secrets, told["code"], tokens["access_token"], tokens["refresh_token"]):
        assert secret not in said


TOGETHER = """
scenario: One makes the labels, another receives what they bring
protects: A partner that is let in by the token of another.
pattern: label-provider
direction: two-way
stages: [created, processing]
shop: {policy: {label_source: third_party, carrier: manual, processing_event: disabled}}
partners: {labels: {oauth: true}, warehouse: {}}
steps:
- customer.submits_return: {items: [{outcome: refund}]}
  as: ret
- clock.advances: 10s
- expect.call: {operation: createLabel, status: 201, times: 1}
- carrier.scans: {return_id: '${ret.id}', status: delivered}
- expect.call: {operation: processReturn, path: {return_id: '${ret.id}'}, times: 1}
  in: warehouse
"""


def test_of_two_partners_each_comes_in_by_what_it_was_given(play: Play, scenario: Write) -> None:
    warehouse = Start(
        command=f"exec {shlex.join([sys.executable, str(ROOT / 'loopsim/partners/warehouse.py')])}",
        target=f"{HOME}/webhooks/loop",
        health=f"{HOME}/health",
    )
    plans = {"labels": provider()[""], "warehouse": PartnerPlan(target=warehouse.target, start=warehouse)}
    run = play(scenario(TOGETHER), partners=plans)
    assert [(each.status, each.failures) for each in run.scenarios] == [("passed", ())], run
    by = {entry["operation"]: entry for entry in run.scenarios[0].journal if entry["kind"] == "call"}
    assert by["createLabel"]["token"]
    assert not by["processReturn"].get("token")


def test_all_partners_that_were_told_beforehand_are_let_in(play: Play, scenario: Write, server: Loopsim) -> None:
    story = scenario(TOGETHER[: TOGETHER.index("- expect.call")].replace("warehouse: {}", "others: {oauth: true}"))
    play(story, partners={name: PartnerPlan(oauth="tokens") for name in ("labels", "others")}, shop="beforehand")
    assert {app["name"] for app in server.shop("beforehand").oauth_clients()} == {"labels", "others"}
