"""The goods of a world file as records: variants, locations, stock, destinations.

Ids hang on a variant's sku and a location's key, never on its place in the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain, groupby
from operator import itemgetter

from msgspec import Struct

from loopsim.domain import chance
from loopsim.domain.destinations import Destination
from loopsim.domain.orders import Address, Location, OptionValue, Variant
from loopsim.domain.snowflakes import SHIFT, snowflake_at
from loopsim.store.world_file import (
    AssortmentEntry,
    KindEntry,
    PostalAddress,
    ProductEntry,
    VariantEntry,
    WorldFile,
    made_skus,
)

# Before any order, and the same for every shop: a test may write a variant's id down.
CATALOGUE_SINCE = datetime(2025, 3, 3, 9, 0, tzinfo=UTC)
_SPAN_MS = 200 * 24 * 3600 * 1000
_TRILLION = 10**12


class Goods(Struct, frozen=True, kw_only=True):
    """What can be sold and from where. `final_sale` holds skus, `stock` pieces by variant id and location id."""

    variants: tuple[Variant, ...]
    locations: dict[str, Location]
    stock: dict[int, dict[int, int]]
    destinations: tuple[Destination, ...]
    final_sale: frozenset[str]


def minor(amount: str) -> int:
    """Minor units of a decimal with two places."""
    return int(Decimal(amount) * 100)


def decimal(amount: int) -> str:
    """The decimal with two places that an amount in minor units is."""
    return f"{amount // 100}.{amount % 100:02}"


def millionths(rate: str) -> int:
    """Millionths of a decimal with up to six places."""
    return int(Decimal(rate) * 1_000_000)


def places(file: WorldFile, seed: int) -> tuple[dict[str, Location], tuple[Destination, ...]]:
    """The locations of a world file by their keys, and where its returns go."""
    locations = {key: _location(file, seed, key) for key in file.locations}
    return locations, _destinations(file, locations)


def stock_up(file: WorldFile, seed: int) -> Goods:
    """All the goods of a world file."""
    locations, destinations = places(file, seed)
    stocked = list(stocked_variants(file, seed, locations))
    return Goods(
        variants=tuple(variant for variant, _ in stocked),
        locations=locations,
        stock={variant.id: available for variant, available in stocked},
        destinations=destinations,
        final_sale=final_sale(file),
    )


def final_sale(file: WorldFile) -> frozenset[str]:
    """The skus of what is sold for good."""
    return frozenset(variant.sku for product in file.catalogue if product.final_sale for variant in product.variants)


def stocked_variants(
    file: WorldFile, seed: int, locations: Mapping[str, Location]
) -> Iterator[tuple[Variant, dict[int, int]]]:
    """Each variant of a world file, written or made, and what each location (by id) holds of it."""
    for product in chain(file.catalogue, made_products(file.assortment, seed)):
        for entry in product.variants:
            held = {**product.stock, **entry.stock}
            yield _variant(file, seed, product, entry), {locations[key].id: count for key, count in held.items()}


def made_products(assortment: AssortmentEntry, seed: int) -> Iterator[ProductEntry]:
    """The products of an assortment, as if somebody had written them."""
    for number, variants in groupby(made_skus(assortment), itemgetter(0)):
        of_kind, name = divmod(number // len(assortment.kinds), len(assortment.names))
        made = [(kind, options, sku) for _, kind, options, sku in variants]
        kind = made[0][0]
        title = f"{assortment.names[name]} {kind.title}"
        price = chance.between(minor(kind.lowest), minor(kind.highest), seed, "price", number)
        yield ProductEntry(
            title=title if of_kind == 0 else f"{title} {1 + of_kind}",
            price=decimal(price),
            type=kind.type,
            weight_grams=kind.weight_grams,
            hs_code=kind.hs_code,
            country_of_origin=kind.country_of_origin,
            tags=kind.tags,
            variants=tuple(
                VariantEntry(sku=sku, options=options, stock=_made_stock(kind, sku, seed)) for _, options, sku in made
            ),
        )


def _made_stock(kind: KindEntry, sku: str, seed: int) -> dict[str, int]:
    return {key: chance.between(0, most, seed, f"stock at {key}", sku) for key, most in kind.stock.items()}


def address_of(file: WorldFile, entry: PostalAddress, name: str = "") -> Address:
    """A written address as the domain has it."""
    return Address(
        name=name,
        company=entry.company,
        address1=entry.address1,
        address2=entry.address2,
        city=entry.city,
        state=entry.state,
        zip=entry.zip,
        country=file.countries[entry.country].name,
        country_code=entry.country,
        phone=entry.phone,
    )


def _global_id(seed: int, purpose: str, entity: str) -> int:
    drawn = chance.draw(seed, purpose, entity)
    return snowflake_at(CATALOGUE_SINCE) + ((drawn >> SHIFT) % _SPAN_MS << SHIFT) + (drawn & 0x3FF << 12)


def _id(file: WorldFile, seed: int, purpose: str, entity: str, trillions: int) -> int:
    """The platform's id: 14 digits that begin like `trillions` at Shopify, Loop's own elsewhere."""
    if file.platform == "custom":
        return _global_id(seed, purpose, entity)
    return trillions * _TRILLION + chance.between(0, _TRILLION - 1, seed, purpose, entity)


def _variant(file: WorldFile, seed: int, product: ProductEntry, entry: VariantEntry) -> Variant:
    sku = entry.sku
    return Variant(
        id=_id(file, seed, "variant", sku, 32),
        product_id=_id(file, seed, "product", product.title, 29),
        product_title=product.title,
        title=" / ".join(entry.options),
        sku=sku,
        price=minor(entry.price or product.price),
        barcode=chance.digits(12, seed, "barcode", sku) if entry.barcode is None else entry.barcode,
        inventory_item_id=_id(file, seed, "inventory item", sku, 34),
        product_type=product.type,
        tags=product.tags,
        image=entry.image or product.image,
        taxable=product.taxable,
        weight_grams=product.weight_grams if entry.weight_grams is None else entry.weight_grams,
        hs_code=product.hs_code,
        country_of_origin=product.country_of_origin,
        external_id=sku if file.platform == "custom" else None,
        options=tuple(OptionValue(position, value) for position, value in enumerate(entry.options, 1)),
    )


def _location(file: WorldFile, seed: int, key: str) -> Location:
    entry = file.locations[key]
    id_ = _global_id(seed, "location", key)
    custom = file.platform == "custom"
    return Location(
        id=id_,
        name=entry.name,
        address=address_of(file, entry.address, entry.name),
        provider_location_id=id_ if custom else int(chance.digits(11, seed, "provider location", key)),
        external_id=key if custom else None,
    )


def _destinations(file: WorldFile, locations: dict[str, Location]) -> tuple[Destination, ...]:
    found = []
    for entry in file.destinations:
        location = locations[entry.location] if entry.location else None
        written = entry.address or file.locations[entry.location or ""].address
        address = address_of(file, written)
        found.append(
            Destination(
                id=0,
                type=entry.type,
                name=entry.name,
                enabled=entry.enabled,
                provider_location_id=location.provider_location_id if location else None,
                address={
                    "address1": address.address1,
                    "address2": address.address2 or None,
                    "city": address.city,
                    "state": address.state or None,
                    "zip": address.zip or None,
                    "country": address.country,
                    "country_code": address.country_code,
                },
            )
        )
    return tuple(found)
