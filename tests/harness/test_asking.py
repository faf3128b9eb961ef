"""Stories in which somebody other than the partner calls Loop, and stories in which the partner's own side asks it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msgspec import structs

from loopsim.harness.document import Scenario
from loopsim.harness.plan import PartnerPlan
from loopsim.harness.results import RunResult
from tests.harness.conftest import DELIVERED, partner
from tests.harness.partners import write

Play = Callable[..., RunResult]
Write = Callable[..., Scenario]

BEGINNING = DELIVERED.partition("steps:")[0] + "steps:"
TAKES_TASKS = """
        if self.path.startswith("/do/"):
            task = self.path.removeprefix("/do/")
            if task == "order-link":
                self.send_response(302)
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.send_header("Content-Length", "0")
                return self.end_headers()
            if task != "push-order":
                return self.answer(404, {"error": "no such task"})
            made = call("PUT", "/customers", body=json.loads(body)["customer"])
            return self.answer(200, {"loop_id": made["customer"]["id"]})
"""


def asked(folder: Path) -> dict[str, PartnerPlan]:
    """A partner that knows one task."""
    plan = partner(write(folder, on_post=TAKES_TASKS.strip()))
    return {"": structs.replace(plan, asks="http://127.0.0.1:{port}/do/{task}")}


def test_the_storys_own_calls_are_not_the_partners(play: Play, scenario: Write, tmp_path: Path) -> None:
    story = scenario(
        BEGINNING
        + """
- loop.is_called: {operation: upsertCustomer, body: {external_id: C-1, email: ada@example.com}}
  as: made
- loop.is_called:
    operation: getCustomer
    path: {id: '${made.customer.id}'}
    answers: {customer: {external_id: C-1}}
- loop.is_called: {operation: getCustomer, path: {customer_id: 1}, status: 404}
- loop.is_called: {operation: listCustomers, key: none, status: 401}
- expect.no_call: {operation: getCustomer}
- expect.nothing_else
"""
    )
    result = play(story, command=write(tmp_path))

    (played,) = result.scenarios
    assert (played.status, played.failures) == ("passed", ())
    own = [entry["operation"] for entry in played.journal if entry["kind"] == "own"]
    assert own == ["upsertCustomer", "getCustomer", "getCustomer"]


def test_an_answer_that_is_not_what_the_story_says_fails_its_step(play: Play, scenario: Write, tmp_path: Path) -> None:
    wrong = "{operation: upsertCustomer, body: {external_id: C-1, email: a@example.com}, answers: {customer: {id: 5}}}"
    result = play(scenario(f"{BEGINNING}\n- loop.is_called: {wrong}\n"), command=write(tmp_path))

    (failure,) = result.scenarios[0].failures
    assert "Loop's answer to upsertCustomer is not what it should be" in failure.says
    assert failure.expected == "answer.customer.id 5"


def test_a_partner_does_what_its_own_side_asks_and_tells_what_came_of_it(
    play: Play, scenario: Write, tmp_path: Path
) -> None:
    told = "{customer: {external_id: C-1, email: ada@example.com}}"
    story = scenario(
        BEGINNING
        + f"""
- partner.is_asked: {{task: push-order, about: {told}, answers: {{loop_id: '#integer'}}}}
  as: pushed
- expect.call: {{operation: upsertCustomer, body: {{external_id: C-1}}, times: 1}}
- loop.is_called: {{operation: getCustomer, path: {{id: '${{pushed.loop_id}}'}}}}
"""
    )
    result = play(story, partners=asked(tmp_path))

    assert (result.scenarios[0].status, result.scenarios[0].failures) == ("passed", ())


def test_nobody_goes_where_an_answer_sends_one(play: Play, scenario: Write, tmp_path: Path) -> None:
    story = scenario(f"{BEGINNING}\n- partner.is_asked: {{task: order-link, about: {{}}, status: 302}}\n")
    result = play(story, partners=asked(tmp_path))

    assert (result.scenarios[0].status, result.scenarios[0].failures) == ("passed", ())


def test_a_partner_that_refuses_a_task_fails_the_story(play: Play, scenario: Write, tmp_path: Path) -> None:
    story = scenario(f"{BEGINNING}\n- partner.is_asked: push-catalogue\n")
    result = play(story, partners=asked(tmp_path))

    (failure,) = result.scenarios[0].failures
    assert failure.says == "partner's answer to push-catalogue has the status 404."


def test_where_tasks_go_has_to_be_said(play: Play, scenario: Write, tmp_path: Path) -> None:
    story = scenario(f"{BEGINNING}\n- partner.is_asked: push-order\n")
    needy = structs.replace(story, id="needy", needs=("asks",))
    result = play(story, needy, command=write(tmp_path))

    first, second = result.scenarios
    assert (first.status, second.status) == ("error", "skipped")
    assert "--asks" in first.failures[0].says
    assert "--asks" in second.why


def test_a_parameter_of_a_path_that_is_not_given_is_named(play: Play, scenario: Write, tmp_path: Path) -> None:
    result = play(scenario(f"{BEGINNING}\n- loop.is_called: getCustomer\n"), command=write(tmp_path))

    (failure,) = result.scenarios[0].failures
    assert failure.says == "getCustomer needs a parameter of its path: path: {id: …}."
