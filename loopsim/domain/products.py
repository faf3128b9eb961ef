"""Products with their options, and collections of them. What is sold of a product is its variants (`domain.orders`)."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from loopsim.domain.orders import Variant
from loopsim.errors import Invalid


class Option(Struct, frozen=True, kw_only=True):
    """What a product's variants differ in: a name, its place, and the values there are."""

    name: str
    position: int
    values: tuple[str, ...] = ()


class Product(Struct, frozen=True, kw_only=True):
    """A product. `price` is in minor units of `currency`; times are as the merchant sent them, None where it did not.

    A new product makes a variant of its own at once, `default_variant_id` (captured).
    """

    id: int
    name: str
    price: int
    currency: str
    default_variant_id: int
    external_id: str | None = None
    sku: str | None = None
    sales_channel: str | None = None
    weight_grams: int | None = None
    barcode: str | None = None
    description: str | None = None
    type: str | None = None
    vendor: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    collection_ids: tuple[int, ...] = ()
    options: tuple[Option, ...] = ()
    images: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    source: str | None = None


class Collection(Struct, frozen=True, kw_only=True):
    """Products that the merchant puts together."""

    id: int
    name: str
    external_id: str | None = None
    sales_channel: str | None = None
    product_ids: tuple[int, ...] = ()


def check_options(product: Product, variant: Variant) -> None:
    """Raise `Invalid` where a variant has a value that its product's options do not list to the letter (reported)."""
    known = {option.position: option.values for option in product.options}
    wrong = {
        f"options.{index}.value": [f"The selected options.{index}.value is invalid."]
        for index, chosen in enumerate(variant.options)
        if chosen.value not in known.get(chosen.position, ())
    }
    if wrong:
        raise Invalid(wrong)


def products_of(variants: Iterable[Variant], currency: str) -> list[Product]:
    """The products that variants belong to, with the options that their titles spell. The first variant of each is its
    default one."""
    found: dict[int, list[Variant]] = {}
    for variant in variants:
        found.setdefault(variant.product_id, []).append(variant)
    return [_product(id_, of, currency) for id_, of in found.items()]


def _product(id_: int, variants: list[Variant], currency: str) -> Product:
    first = variants[0]
    columns = zip(*(variant.title.split(" / ") for variant in variants if variant.title), strict=False)
    return Product(
        id=id_,
        name=first.product_title,
        price=first.price,
        currency=currency,
        default_variant_id=first.id,
        sku=first.sku,
        weight_grams=first.weight_grams,
        barcode=first.barcode or None,
        type=first.product_type or None,
        options=tuple(
            Option(name=f"Option {position}", position=position, values=tuple(dict.fromkeys(values)))
            for position, values in enumerate(columns, 1)
        ),
        images=(first.image,) if first.image else (),
        tags=first.tags,
    )
