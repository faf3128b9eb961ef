"""A defect: one thing that integrators are known to get wrong, as changes to the text of a partner that is right."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
WAREHOUSE = "loopsim/partners/warehouse.py"
ERP = "loopsim/partners/erp.mjs"
LABELS = "tests/defects/right/label_provider.py"
LABEL_PROVIDER = "loopsim/partners/label_provider.py"
STOREFRONT = "loopsim/partners/storefront.mjs"
SHIPPER = "tests/defects/right/shipper.py"
MERCHANT = "loopsim/partners/merchant.py"


@dataclass(frozen=True)
class Defect:
    """One defect.

    `changes` are (old text, new text), each of which matches the partner's text exactly once. `caught_by` are the rules
    and scenarios any of which names the defect for what it is: the rule where one does, else the stories about it. `costs` says in one sentence what it does in production.
    `environment` is what brings it to light on a machine where it would not show (a time zone).
    """

    name: str
    partner: str
    changes: tuple[tuple[str, str], ...]
    caught_by: tuple[str, ...]
    costs: str
    environment: tuple[tuple[str, str], ...] = ()


class DoesNotFit(ValueError):
    """A change whose old text is not in the partner exactly once."""


def changed(text: str, changes: tuple[tuple[str, str], ...]) -> str:
    """The text with every change made. Raises `DoesNotFit`."""
    for old, new in changes:
        if (found := text.count(old)) != 1:
            raise DoesNotFit(f"{found} times in the partner: {old!r}")
        text = text.replace(old, new)
    return text


def defective(defect: Defect) -> str:
    """The text of the partner that has the defect."""
    return changed((ROOT / defect.partner).read_text("utf-8"), defect.changes)
