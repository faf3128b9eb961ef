"""World files, the schema that editors read, and the sample export beside them."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from loopsim.contract.yaml_source import read_yaml
from loopsim.domain.policy import CONDITIONS, Policy, WorkflowActions, WorkflowRule
from loopsim.errors import SetupError
from loopsim.store import worlds
from loopsim.store.world_file import (
    AssortmentEntry,
    Country,
    DestinationEntry,
    KindEntry,
    LocationEntry,
    OrdersEntry,
    PostalAddress,
    ProductEntry,
    SpecialCustomer,
    SpecialOrder,
    VariantEntry,
    WorldFile,
    parse_world_file,
)
from tests.store.shipped import WORLDS

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "fixtures" / "world.schema.json").read_text("utf-8"))


def test_these_worlds_ship() -> None:
    assert worlds.world_names() == WORLDS
    assert worlds.DEFAULT_WORLD in WORLDS


@pytest.mark.parametrize("name", WORLDS)
def test_a_world_file_fits_its_schema_and_names_it_to_editors(name: str) -> None:
    path = worlds.SOURCE / f"{name}.yaml"
    assert path.read_text("utf-8").startswith("# yaml-language-server: $schema=../world.schema.json\n")
    assert list(jsonschema_rs.validator_for(SCHEMA).iter_errors(read_yaml(path))) == []


@pytest.mark.parametrize("name", WORLDS)
def test_a_world_file_means_the_same_in_yaml_1_1_and_1_2(name: str) -> None:
    path = worlds.SOURCE / f"{name}.yaml"
    assert msgspec.convert(read_yaml(path), WorldFile, str_keys=True) == parse_world_file(path.read_bytes(), path.name)


@pytest.mark.parametrize(
    ("pointer", "struct"),
    [
        ((), WorldFile),
        (("$defs", "policy"), Policy),
        (("$defs", "workflow"), WorkflowRule),
        (("$defs", "workflow", "properties", "then"), WorkflowActions),
        (("$defs", "country"), Country),
        (("$defs", "address"), PostalAddress),
        (("$defs", "location"), LocationEntry),
        (("$defs", "destination"), DestinationEntry),
        (("$defs", "product"), ProductEntry),
        (("$defs", "variant"), VariantEntry),
        (("$defs", "assortment"), AssortmentEntry),
        (("$defs", "kind"), KindEntry),
        (("$defs", "orders"), OrdersEntry),
        (("$defs", "special"), SpecialOrder),
        (("$defs", "customer"), SpecialCustomer),
    ],
)
def test_the_schema_describes_what_the_reader_knows(pointer: tuple[str, ...], struct: type[msgspec.Struct]) -> None:
    part: Any = SCHEMA
    for step in pointer:
        part = part[step]
    fields = msgspec.structs.fields(struct)
    assert set(part["properties"]) == {field.name for field in fields}
    assert set(part.get("required", [])) == {field.name for field in fields if field.required}
    assert part["additionalProperties"] is False
    assert all(each.get("description") or "$ref" in each for each in part["properties"].values())


def test_the_schema_offers_the_words_that_policies_know() -> None:
    known = msgspec.json.schema(Policy)["$defs"]["Policy"]["properties"]
    written = SCHEMA["$defs"]["policy"]["properties"]
    for name, field in known.items():
        if "enum" in field:
            assert sorted(written[name]["enum"]) == sorted(field["enum"]), name
    assert set(SCHEMA["$defs"]["workflow"]["properties"]["when"]["properties"]) == set(CONDITIONS)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("seed: 1859", "seed: many", "$.seed"),
        ("seed: 1859", "sead: 1859", "sead"),
        ('price: "28.00"', "price: 28.00", "price"),
        ('price: "28.00"', 'price: "28"', "price"),
        ("\ncountry: US\n", "\ncountry: FR\n", "country FR is used but not defined"),
        ("location: portland}", "location: seattle}", "location seattle is used but not defined"),
        ("items: {TEE-RED-M: 1}", "items: {TEE-RED-XXS: 1}", "sku TEE-RED-XXS is used but not defined"),
        ('"#1038"', '"#2038"', "order #2038 is used but not defined"),
        ("sku: MUG-WHT", "sku: MUG-BLU", "sku MUG-BLU stands there twice"),
        ("hours_apart: 35", "hours_apart: 48", "do not fit into 60 days"),
        ("items: {HOOD-NVY-M: 2, TEE-BLK-S: 1}", "items: {HOOD-NVY-M: 1}", "cannot be sent partly"),
        ("lines: {1: 5, 2: 4, 3: 2, 4: 1}", "lines: {99: 1}", "more lines than there are variants"),
        ("share: 9", "pays_in: EUR, share: 9", "currency EUR is used but not defined"),
        ("discounts: [10, 15, 20]", "discounts: []", "orders.discounts is empty"),
        (", location: portland}", "}", "Portland returns dock has neither a location nor an address"),
    ],
)
def test_a_broken_world_file_is_refused_with_what_is_wrong(old: str, new: str, says: str) -> None:
    text = (worlds.SOURCE / "us-apparel.yaml").read_text("utf-8")
    assert old in text
    with pytest.raises(SetupError) as raised:
        parse_world_file(text.replace(old, new).encode(), "mine.yaml")
    assert says in str(raised.value)
    assert "mine.yaml" in str(raised.value)


def test_a_file_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "torn.yaml"
    path.write_text("name: [torn", "utf-8")
    with pytest.raises(SetupError, match=r"torn\.yaml cannot be read: (?s:.*)line 1"):
        parse_world_file(path.read_bytes(), path.name)


def test_the_sample_export_has_three_returns_whose_money_adds_up() -> None:
    rows = json.loads((ROOT / "fixtures" / "samples" / "returns-export.json").read_text("utf-8"))
    assert [row["state"] for row in rows] == ["open", "closed", "cancelled"]
    for row in rows:
        product, discount, tax = (Decimal(row[f"return_{part}_total"]) for part in ("product", "discount", "tax"))
        assert Decimal(row["return_total"]) == product - discount + tax
        assert Decimal(row["total"]) == Decimal(row["refund"]) + Decimal(row["gift_card"])
        for line in row["line_items"]:
            assert Decimal(line["refund"]) == Decimal(line["refund_item"]) + Decimal(line["refund_tax"])
    closed = rows[1]
    for total, part in (("product", "price"), ("discount", "discount"), ("tax", "tax")):
        assert Decimal(closed[f"return_{total}_total"]) == sum(Decimal(line[part]) for line in closed["line_items"])
    assert Decimal(closed["refund"]) == sum(Decimal(line["refund"]) for line in closed["line_items"])
