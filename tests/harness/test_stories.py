"""Words that need a partner's process: it goes down, learns a new secret, gets what Loop would never send."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from loopsim.harness.document import Scenario
from loopsim.harness.results import RunResult
from tests.harness.conftest import DELIVERED
from tests.harness.partners import PROCESS, write

Play = Callable[..., RunResult]
Write = Callable[..., Scenario]

HEAD = DELIVERED.partition("steps:")[0]
CHECKS = """
import hmac, hashlib, base64
made = base64.b64encode(hmac.digest(os.environ["LOOP_WEBHOOK_SECRET"].encode(), body, hashlib.sha256)).decode()
if self.headers.get("X-Loop-Signature") != made: self.answer(401, {}); return
""".strip().replace("\n", "\n        ")


def test_what_is_sent_while_the_partner_is_down_comes_when_it_is_up_again(
    play: Play, scenario: Write, tmp_path: Path
) -> None:
    text = f"""{HEAD}steps:
- partner.stops
- customer.submits_return: {{}}
  as: ret
- expect.delivery: {{trigger: return.created, state: queued}}
- partner.starts
- clock.advances: 1h
- expect.acknowledged: return.created
- expect.delivery: {{trigger: return.created, state: delivered}}
"""
    result = play(scenario(text), command=write(tmp_path), idle_probe=False)

    assert result.scenarios[0].failures == ()


def test_a_new_secret_reaches_a_partner_that_is_restarted_and_the_next_story_goes_well(
    play: Play, scenario: Write, tmp_path: Path
) -> None:
    text = f"""{HEAD}steps:
- secret.rotates: {{}}
  as: new
- customer.submits_return: {{}}
- expect.acknowledged: {{trigger: return.created, status: 401}}
- partner.restarts
- resend: return.created
- expect.acknowledged: return.created
"""
    result = play(scenario(text, "a"), scenario(name="b"), command=write(tmp_path, on_post=CHECKS))

    assert [(story.status, story.failures) for story in result.scenarios[:1]] == [("passed", ())]
    assert result.scenarios[1].status == "passed"


def test_a_partner_learns_of_a_secret_that_a_story_changed_before_the_next(
    play: Play, scenario: Write, tmp_path: Path
) -> None:
    changes = f"{HEAD}steps:\n- secret.rotates\n"

    result = play(scenario(changes, "a"), scenario(name="b"), command=write(tmp_path, on_post=CHECKS))

    assert [story.status for story in result.scenarios] == ["passed", "passed"]


def test_deliveries_that_loop_would_not_send(play: Play, scenario: Write, tmp_path: Path) -> None:
    text = f"""{HEAD}steps:
- customer.submits_return: {{}}
  as: ret
- expect.acknowledged: return.created
  as: genuine
- loop.sends: {{like: return.created, change: {{state: cancelled}}, remove: [created_at]}}
  as: changed
- expect.delivery: {{trigger: return.created, payload: {{state: cancelled, created_at: '#absent'}}, state: delivered}}
- loop.sends: {{like: return.created, signature: none}}
- expect.delivery: {{trigger: return.created, attempts: 1, state: failed}}
- loop.sends: {{trigger: return.created, payload: '[]', signature: {{form: hex}}}}
  as: odd
- resend: {{trigger: return.created, times: 2}}
- expect.acknowledged: {{trigger: return.created, times: 4}}
"""
    result = play(scenario(text), command=write(tmp_path, on_post=CHECKS))

    assert result.scenarios[0].failures == ()
    (odd,) = [row for row in result.scenarios[0].deliveries if row["attempts"][0]["request_body"] == "[]"]
    assert odd["attempts"][0]["status"] == 401


def test_faults_begin_and_end(play: Play, scenario: Write, tmp_path: Path) -> None:
    text = (
        DELIVERED.replace(
            "- carrier.scans", "- faults.on: {kind: server_error, operation: processReturn, count: 1}\n- carrier.scans"
        )
        .replace("times: 1}", "times: 2}")
        .replace("- clock.advances: 1m", "- faults.off\n- clock.advances: 1m")
    )

    result = play(scenario(text), command=write(tmp_path, on_delivered=f"{PROCESS}; {PROCESS}"))

    assert result.scenarios[0].failures == ()


def test_a_stop_of_a_partner_that_loopsim_did_not_start_is_a_mistake_of_the_set_up(
    play: Play, scenario: Write, tmp_path: Path
) -> None:
    from loopsim.harness.partner import Connection, Process, Start

    plan = Start(command=write(tmp_path), target="", health="http://127.0.0.1:{port}/")
    by_hand = Process(plan, Connection(api_base="http://127.0.0.1:9", key="k", secret="s", now=""))
    by_hand.start()
    try:
        target = f"http://127.0.0.1:{by_hand.connection.port}/hook"
        result = play(scenario(f"{HEAD}steps:\n- partner.stops\n"), target=target, idle_probe=False, probe=False)
    finally:
        by_hand.stop()

    assert result.scenarios[0].status == "error"
    assert "--start" in result.scenarios[0].failures[0].says
