"""What people and systems on the partner's own side may ask of it: the tasks, what each is told, and what it answers.

A partner takes them by a small adapter: loopsim posts the JSON of `about` to its `--asks` URL with the task's name in
it, waits for a 2xx answer, and reads JSON from it where there is some.
"""

from __future__ import annotations

TASKS: dict[str, str] = {
    "push-catalogue": "Its products are there to be told to Loop. about: products, as its own platform has them.",
    "push-order": "An order was placed or has changed on its platform. about: the order.",
}
"""By name: what happened on the partner's side, and what `about` holds."""
