"""Runs against partners that do their work, and against partners that go wrong in every way a process can."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import structs

from loopsim.harness.document import Scenario
from loopsim.harness.plan import IdleProbe
from loopsim.harness.results import RunResult
from tests.harness.conftest import DELIVERED, Silent, partner
from tests.harness.partners import PROCESS, write

Play = Callable[..., RunResult]
Write = Callable[..., Scenario]

ONCE = "if len(done) == 1: "


def test_a_right_partner_passes(play: Play, scenario: Write, tmp_path: Path) -> None:
    result = play(scenario(), command=write(tmp_path))

    (story,) = result.scenarios
    assert (result.exit_code, story.status, story.failures) == (0, "passed", ())
    assert [step.status for step in story.steps] == ["passed"] * 6
    assert "processReturn" in [entry.get("operation") for entry in story.journal]
    assert {row["trigger"] for row in story.deliveries} >= {"return.created", "label.updated"}
    assert all(row["attempts"][0]["status"] == 200 for row in story.deliveries)
    assert "processed-once" in [verdict.rule for verdict in story.verdicts if verdict.outcome == "passed"]


def test_a_partner_that_does_nothing_fails_with_the_place_and_what_was_seen(
    play: Play, scenario: Write, tmp_path: Path
) -> None:
    result = play(scenario(), command=write(tmp_path, on_delivered="print('not today')"))

    (story,) = result.scenarios
    (failure,) = story.failures
    assert (result.exit_code, story.status) == (1, "failed")
    assert (Path(failure.file).name, failure.line) == ("story.loopsim.yaml", 12)
    assert "made no such call: processReturn" in failure.says
    assert failure.actual == "no call at all"
    assert [step.status for step in story.steps][-3:] == ["failed", "not_run", "not_run"]
    assert story.partner_log.endswith("not today")
    assert story.reproduce.startswith("loopsim run ")


def test_what_a_partner_does_while_a_step_lasts_comes_after_it(play: Play, scenario: Write, tmp_path: Path) -> None:
    text = (
        DELIVERED.partition("shop:")[0]
        + """shop: {policy: {processing_event: disabled}}
steps:
- customer.submits_return: {items: [{outcome: refund}]}
  as: ret
- clock.advances: 20d
  as: weeks
- expect.call: {operation: processReturn, after: weeks, times: 1}
- expect.no_call: {operation: processReturn, after: weeks}
"""
    )
    result = play(scenario(text), command=write(tmp_path))

    assert (result.scenarios[0].status, result.scenarios[0].failures) == ("passed", ())


def test_a_run_in_which_nobody_took_part_is_not_green(play: Play, scenario: Write) -> None:
    quiet = scenario(DELIVERED.partition("steps:")[0] + "steps: [{clock.advances: 1d}]")
    result = play(quiet, target="", probe=False, idle_probe=False)

    assert (result.exit_code, [each.about for each in result.findings]) == (2, ["setup"])
    assert "no integration took part" in result.findings[0].says


def test_a_call_too_many_fails(play: Play, scenario: Write, tmp_path: Path) -> None:
    result = play(scenario(), command=write(tmp_path, on_delivered=f"{PROCESS}; {PROCESS}"))

    assert "twice" in result.scenarios[0].failures[0].says


def test_a_partner_that_ends_in_the_middle_is_noticed_at_once_and_started_again(
    play: Play, scenario: Write, tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    dies = f"p = {str(marker)!r}; first = not os.path.exists(p); open(p, 'w').close(); first and os._exit(3); {PROCESS}"
    slow = DELIVERED.replace("times: 1", "times: 1, within: 20s")
    began = time.monotonic()

    result = play(scenario(slow, "a"), scenario(slow, "b"), command=write(tmp_path, on_delivered=dies))

    first, second = result.scenarios
    assert (first.status, second.status) == ("failed", "passed")
    assert "ended by itself, with exit code 3" in first.failures[0].says
    assert time.monotonic() - began < 30


def test_a_partner_that_never_starts_ends_the_run_with_its_log(play: Play, scenario: Write, tmp_path: Path) -> None:
    dies = "print('no database here'); sys.exit(7)"

    result = play(scenario(name="a"), scenario(name="b"), command=write(tmp_path, at_start=dies))

    assert result.exit_code == 5
    assert [story.status for story in result.scenarios] == ["error", "error"]
    assert "with exit code 7" in result.findings[0].says
    assert "no database here" in result.findings[0].says
    assert "--start" in result.findings[0].says


def test_a_partner_that_is_never_healthy_is_given_up(play: Play, scenario: Write, tmp_path: Path) -> None:
    hangs = "threading.Event().wait()"

    result = play(scenario(), command=write(tmp_path, at_start=hangs), timeout=0.5)

    assert result.exit_code == 5
    assert "after 0.5 s" in result.findings[0].says


def test_whoever_answers_the_question_after_health_with_garbage_is_not_healthy(
    play: Play, scenario: Write, tmp_path: Path
) -> None:
    garbage = (
        "import socket; s = socket.create_server(('127.0.0.1', int(os.environ['PORT'])))\n"
        "while True:\n    c = s.accept()[0]; c.sendall(b'I am no HTTP\\n\\n'); c.close()"
    )

    result = play(scenario(), command=write(tmp_path, at_start=garbage), timeout=0.5)

    assert result.exit_code == 5
    assert "is not healthy" in result.findings[0].says


def test_a_command_that_is_none_says_so(play: Play, scenario: Write) -> None:
    result = play(scenario(), command="exec /no/such/program")

    assert result.exit_code == 5
    assert "not found" in result.findings[0].says


def test_an_idle_probe_that_gives_no_answer_is_said_and_does_no_harm(
    play: Play, scenario: Write, tmp_path: Path
) -> None:
    # At work for longer than the shop waits where no probe tells it so: until a step that comes after the scan.
    slow = write(
        tmp_path,
        at_start="shopped_on = threading.Event()",
        on_delivered=f"shopped_on.wait(); {PROCESS}",
        on_post="if done and b'return.created' in body: shopped_on.set()",
    )
    plan = structs.replace(partner(slow), idle_probe=IdleProbe(url="http://127.0.0.1:9/"))
    shops_on = "- customer.submits_return: {items: [{outcome: refund}]}\n"
    text = DELIVERED.replace("- expect.call", f"{shops_on}- expect.call", 1)

    result = play(scenario(text), partners={"": plan})

    assert (result.exit_code, result.scenarios[0].failures) == (0, ())
    assert "idle probe is of no use" in result.findings[0].says


def test_nobody_at_the_target_is_said_before_anything_is_played(play: Play, scenario: Write) -> None:
    result = play(scenario(), target="http://127.0.0.1:9/hook", idle_probe=False, probe=False)

    assert (result.exit_code, result.scenarios[0].status) == (5, "error")
    assert "cannot be reached" in result.findings[0].says


def test_a_partner_that_hangs_gets_no_more_than_its_time(play: Play, scenario: Write, tmp_path: Path) -> None:
    text = DELIVERED.replace("shop: {", "shop: {delivery_timeout: 300, ").replace(
        "- clock.advances: 10s", "- expect.acknowledged: {trigger: return.created, within: 1s}", 1
    )
    hangs = "threading.Event().wait()"

    result = play(scenario(text), command=write(tmp_path, on_post=hangs), patience=1.0)

    (story,) = result.scenarios
    assert story.status == "failed"
    assert "gave no answer to return.created: timeout" in story.failures[0].says


def test_a_story_that_never_ends_is_ended(play: Play, scenario: Write, tmp_path: Path) -> None:
    text = DELIVERED.replace("times: 1", "times: 1, within: 100s")

    result = play(scenario(text), command=write(tmp_path, on_delivered="pass"), time_limit=1.0, idle_probe=False)

    assert "time for this scenario is up" in result.scenarios[0].failures[0].says


def test_a_partner_that_hangs_in_story_after_story_is_given_up(play: Play, scenario: Write, tmp_path: Path) -> None:
    text = DELIVERED.replace("times: 1", "times: 1, within: 100s")
    stories = [scenario(text, f"story-{n}") for n in range(5)]

    result = play(*stories, command=write(tmp_path, on_delivered="threading.Event().wait()"), time_limit=0.7)

    assert [story.status for story in result.scenarios] == ["failed"] * 3 + ["error"] * 2
    assert "3 stories in a row" in result.findings[0].says


def test_a_partner_that_hung_is_started_again_for_the_next_story(play: Play, scenario: Write, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    once = f"p = {str(marker)!r}; first = not os.path.exists(p); open(p, 'w').close()"

    result = play(
        scenario(name="a"),
        scenario(name="b"),
        command=write(tmp_path, on_delivered=f"{once}; first and threading.Event().wait(); {PROCESS}"),
        time_limit=4,
    )

    assert [story.status for story in result.scenarios] == ["failed", "passed"]


def test_time_is_up_in_the_middle_of_an_advance_too(play: Play, scenario: Write, tmp_path: Path) -> None:
    began = time.monotonic()

    result = play(scenario(), command=write(tmp_path, on_post="threading.Event().wait()"), time_limit=1.0)

    assert "time for this scenario is up" in result.scenarios[0].failures[0].says
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    "garbage",
    ["self.wfile.write(b'what?\\n\\n'); self.close_connection = True; return", "self.close_connection = True; return"],
    ids=["garbage", "nothing"],
)
def test_a_partner_that_answers_garbage_fails(play: Play, scenario: Write, tmp_path: Path, garbage: str) -> None:
    text = DELIVERED.replace("- clock.advances: 10s", "- expect.acknowledged: return.created", 1)

    result = play(scenario(text), command=write(tmp_path, on_post=garbage))

    assert result.scenarios[0].status == "failed"
    assert "return.created" in result.scenarios[0].failures[0].says


def test_a_call_that_comes_when_the_next_story_is_on_fails_the_one_it_is_about(
    play: Play, scenario: Write, tmp_path: Path
) -> None:
    short = "".join(DELIVERED.partition("- carrier.scans")[:2]) + ": {return_id: '${ret.id}', status: delivered}\n"
    late = f"{ONCE}held.append(return_id); return\n    return_id, now = held[0], return_id; {PROCESS}"

    second = short + "- expect.no_call: processReturn\n"
    command = write(tmp_path, at_start="held = []", on_delivered=late)

    result = play(scenario(short, "a"), scenario(second, "b"), command=command)

    first, second = result.scenarios
    assert (first.status, second.status) == ("failed", "passed")
    assert "after it was over, when b was under way" in first.failures[0].says
    assert "processReturn" not in [entry.get("operation") for entry in second.journal]


def test_a_scenario_has_the_same_ids_alone_and_with_others(play: Play, scenario: Write, tmp_path: Path) -> None:
    stories = [scenario(name=name) for name in ("a", "b", "c")]
    command = write(tmp_path)

    together = play(*stories, command=command).scenarios
    alone = [play(story, command=command).scenarios[0] for story in stories]

    def returns(result: object) -> set[str]:
        return set(re.findall(r"/return/(\d+)/process", repr(result.journal)))  # type: ignore[attr-defined]

    assert [returns(each) for each in together] == [returns(each) for each in alone]
    assert len(set().union(*map(returns, together))) == 3


@pytest.mark.parametrize("jobs", [1, 3])
def test_per_worker_starts_so_many_partners_each_with_a_key_of_its_own(
    play: Play, scenario: Write, tmp_path: Path, jobs: int
) -> None:
    stories = [scenario(name=f"story-{n}") for n in range(4)]
    note = f"open(os.path.join({str(tmp_path)!r}, f'{{os.getpid()}}.key'), 'w').write(KEY)"

    result = play(*stories, command=write(tmp_path, at_start=note), mode="per-worker", jobs=jobs)

    assert [story.status for story in result.scenarios] == ["passed"] * 4
    keys = [path.read_text() for path in tmp_path.glob("*.key")]
    assert len(keys) == len(set(keys)) == jobs


def test_a_partner_of_many_shops_plays_several_stories_at_once(play: Play, scenario: Write, tmp_path: Path) -> None:
    chooses = 'key = path.rpartition("/")[2]\n    ' + PROCESS.replace('process")', 'process", key=key)')
    stories = [scenario(name=f"story-{n}") for n in range(4)]

    result = play(
        *stories,
        command=write(tmp_path, on_delivered=chooses),
        target="http://127.0.0.1:{port}/hook/{shop}/{key}",
        mode="tenant",
        jobs=2,
    )

    assert [(story.status, story.failures) for story in result.scenarios] == [("passed", ())] * 4


def test_a_partner_of_many_shops_may_choose_by_a_header(play: Play, scenario: Write, tmp_path: Path) -> None:
    chooses = PROCESS.replace('process")', 'process", key=path)')
    reads = 'self.path = self.headers["X-Key"]'
    own = partner(write(tmp_path, on_delivered=chooses, on_post=reads))
    plan = structs.replace(own, headers={"X-Key": "{key}"})

    result = play(scenario(name="a"), scenario(name="b"), partners={"": plan}, mode="tenant", jobs=2)

    assert [(story.status, story.failures) for story in result.scenarios] == [("passed", ())] * 2


def test_a_partner_of_many_shops_may_be_told_of_each(play: Play, scenario: Write, tmp_path: Path) -> None:
    learns = 'info = json.loads(body); keys[info["shop"]] = info["key"]'
    told = f'if self.path == "/register": {learns}; self.answer(200, {{}}); return'
    chooses = PROCESS.replace('process")', 'process", key=keys[path.rpartition("/")[2]])')
    own = partner(
        write(tmp_path, at_start="keys = {}", on_delivered=chooses, on_post=told),
        target="http://127.0.0.1:{port}/hook/{shop}",
    )
    plan = structs.replace(own, register="http://127.0.0.1:{port}/register")

    result = play(scenario(name="a"), scenario(name="b"), partners={"": plan}, mode="tenant", jobs=2)

    assert [(story.status, story.failures) for story in result.scenarios] == [("passed", ())] * 2


def test_a_call_that_comes_late_to_a_shop_of_its_own_fails_its_story(
    play: Play, scenario: Write, tmp_path: Path
) -> None:
    short = "".join(DELIVERED.partition("- carrier.scans")[:2]) + ": {return_id: '${ret.id}', status: delivered}\n"
    process = PROCESS.replace('process")', 'process", key=key)')
    late = f"held.append((return_id, path))\n    if len(held) == 1: return\n    for return_id, key in held: {process}"
    own = partner(write(tmp_path, at_start="held = []", on_delivered=late, on_post='self.path = self.headers["X-Key"]'))
    plan = structs.replace(own, headers={"X-Key": "{key}"})

    result = play(scenario(short, "a"), scenario(short, "b"), partners={"": plan}, mode="tenant", jobs=1)

    assert [story.status for story in result.scenarios] == ["failed", "passed"]


HANGS_UP = """worker = threading.Thread(target=call, args=("POST", f"/warehouse/return/{return_id}/process", path))
    held.append(worker); worker.start()
    if len(held) == 1: return
    for worker in held: worker.join()
    """


@pytest.mark.parametrize("mode", ["shared", "tenant"])
def test_a_call_that_a_fault_held_back_is_not_late(play: Play, scenario: Write, tmp_path: Path, mode: str) -> None:
    """The partner goes on without an answer that takes long, and the story ends; it did nothing wrong."""
    short = "".join(DELIVERED.partition("- carrier.scans")[:2]) + ": {return_id: '${ret.id}', status: delivered}\n"
    slow = "- faults.on: {kind: latency, operation: processReturn, params: {ms: 1500}}\n- carrier.scans"
    source = write(tmp_path, at_start="held = []", on_delivered=HANGS_UP, on_post='self.path = self.headers["X-Key"]')
    plan = structs.replace(partner(source), headers={"X-Key": "{key}"})

    stories = scenario(short.replace("- carrier.scans", slow), "a"), scenario(short, "b")
    result = play(*stories, partners={"": plan}, mode=mode, jobs=1)

    assert [(story.status, story.failures) for story in result.scenarios] == [("passed", ())] * 2


def test_the_reset_hook_is_called_before_each_story(play: Play, scenario: Write, tmp_path: Path) -> None:
    hook = f"sh -c 'echo {{shop}} >> {tmp_path}/resets'"

    play(scenario(name="a"), scenario(name="b"), command=write(tmp_path), reset=hook, shop="mine")
    broken = play(scenario(name="a"), command=write(tmp_path), reset="sh -c 'echo no database >&2; exit 3'")

    assert (tmp_path / "resets").read_text() == "mine\nmine\n"
    assert (broken.exit_code, broken.scenarios[0].status) == (2, "error")
    assert "no database" in broken.scenarios[0].failures[0].says


def test_a_key_has_the_scopes_of_its_story_and_no_longer(play: Play, scenario: Write, tmp_path: Path) -> None:
    narrow = DELIVERED.replace("steps:", "partners: {partner: {scopes: [orders]}}\nsteps:")

    result = play(scenario(narrow, "a"), scenario(name="b"), command=write(tmp_path))

    assert [story.status for story in result.scenarios] == ["failed", "passed"]


def test_two_partners_on_one_shop_are_told_apart(play: Play, scenario: Write, tmp_path: Path) -> None:
    text = DELIVERED.replace(
        "steps:",
        "partners: {dock: {subscribe: [{topic: label}]}, watcher: {subscribe: [{topic: return}]}}\nsteps:",
    ) + (
        "- expect.no_call: {operation: processReturn}\n  in: watcher\n"
        "- expect.acknowledged: return.created\n  in: watcher\n"
        "- expect.acknowledged: label.created\n"
    )
    (tmp_path / "one").mkdir()
    partners = {name: partner(write(tmp_path / "one")) for name in ("dock", "watcher")}

    result = play(scenario(text), partners=partners)

    assert (result.scenarios[0].status, result.scenarios[0].failures) == ("passed", ())


def test_a_second_partner_that_nobody_configured_is_said(play: Play, scenario: Write, tmp_path: Path) -> None:
    text = DELIVERED.replace("steps:", "partners: {dock: {}, watcher: {}}\nsteps:")

    result = play(scenario(text), command=write(tmp_path))

    assert result.scenarios[0].status == "skipped"
    assert "[run.partners.dock]" in result.scenarios[0].why


def test_what_a_story_needs_and_is_not_there_skips_it(play: Play, scenario: Write, tmp_path: Path) -> None:
    text = DELIVERED.replace("steps:", "needs: [probe]\nsteps:")
    command = write(tmp_path)

    without = play(scenario(text), command=command, probe=False)
    strict = play(scenario(text), command=command, probe=False, strict=True)

    assert (without.scenarios[0].status, without.exit_code, strict.exit_code) == ("skipped", 0, 1)
    assert "--probe" in without.scenarios[0].why


def test_the_partners_own_state_is_probed_in_loops_words(play: Play, scenario: Write, tmp_path: Path) -> None:
    text = DELIVERED + "- expect.partner: {return_id: '${ret.id}', state: open}\n"

    right = play(scenario(text), command=write(tmp_path))
    wrong = play(scenario(text.replace("state: open}", "state: closed}")), command=write(tmp_path))

    assert right.scenarios[0].failures == ()
    assert wrong.scenarios[0].failures[0].says.endswith("for open.")


def test_an_interrupted_run_says_what_it_did_and_ends_its_partner(
    play: Play, scenario: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid_file = tmp_path / "pid"
    command = write(tmp_path, at_start=f"open({str(pid_file)!r}, 'w').write(str(os.getpid()))")
    listener = Silent()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("queue.Queue.get", interrupted)
    result = play(scenario(name="a"), scenario(name="b"), command=command, listener=listener)

    assert result.exit_code == 130
    assert {story.status for story in result.scenarios} <= {"skipped", "passed"}
    assert any("interrupted" in story.why for story in result.scenarios)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_a_failure_says_why_it_is_expected_and_shows_what_the_partner_did(
    play: Play, scenario: Write, tmp_path: Path
) -> None:
    text = DELIVERED.replace("- expect.return: {id: '${ret.id}', state: closed}", "").rstrip()
    text += "\n- expect.return: {id: '${ret.id}', state: cancelled}\n  note: Because we say so.\n"

    (story,) = play(scenario(text), command=write(tmp_path)).scenarios

    (failure,) = story.failures
    assert failure.says.endswith('state is "closed". Because we say so.')
    shown = [entry["operation"] for entry in story.journal if entry["id"] in failure.entries]
    assert shown == ["processReturn"]


def test_a_partner_that_did_nothing_is_told_so(play: Play, scenario: Write, tmp_path: Path) -> None:
    asked = "- expect.call: {operation: processReturn, path: {return_id: '${ret.id}'}, times: 1}\n"
    text = DELIVERED.replace(asked, "")

    (story,) = play(scenario(text), command=write(tmp_path, on_delivered="pass")).scenarios

    assert "partner made no call that changes anything" in story.failures[0].says


def test_who_names_a_time_may_act_before_the_partner_is_done(play: Play, scenario: Write, tmp_path: Path) -> None:
    begun, _ = DELIVERED.split("- carrier.scans")
    text = begun + (
        "- faults.on: {kind: latency, operation: processReturn, params: {ms: 300}}\n"
        "- carrier.scans: {return_id: '${ret.id}', status: delivered}\n"
        "- expect.call: {operation: getReturnDetails, within: 5s}\n"
        "- staff.cancels: '${ret.id}'\n"
        "  as: cancelled\n"
        "- expect.call: {operation: processReturn, after: cancelled}\n"
    )

    works = 'call("GET", f"/warehouse/return/details?return_id={return_id}")\n    ' + PROCESS
    (story,) = play(scenario(text), command=write(tmp_path, on_delivered=works)).scenarios

    assert story.failures == ()


def test_a_log_says_nothing_of_the_story_before(play: Play, scenario: Write, tmp_path: Path) -> None:
    """A partner may write of a return when the next story has begun."""
    first, second = scenario(), scenario(name="story2")
    says = "before.append(return_id); print(f'now {return_id}', flush=True); print(f'of {before[0]}', flush=True)"
    result = play(first, second, command=write(tmp_path, at_start="before = []", on_delivered=says))

    one, two = result.scenarios
    own = {row["return_id"] for row in two.deliveries}
    assert any(f"now {return_id}" in two.partner_log for return_id in own)
    assert one.partner_log.count("of ") == 1
    assert "of " not in two.partner_log
