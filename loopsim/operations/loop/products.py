"""Products and their variants. A new product makes a default variant at once (captured)."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from loopsim.domain.orders import OptionValue, Variant
from loopsim.domain.products import Collection, Option, Product, check_options
from loopsim.errors import Refusal
from loopsim.operations import commerce
from loopsim.operations.commerce import Noun
from loopsim.operations.perform import Answer, Call, operation
from loopsim.store.transaction import Transaction
from loopsim.wire import commerce as wire

PLAIN = ("external_id", "sku", "sales_channel", "source", "barcode", "description", "type", "vendor", "weight_grams",
         "created_at", "updated_at")  # fmt: skip


def product_noun(tx: Transaction) -> Noun:
    """How products are shown; their collections are looked up."""

    def show(product: Product, spell: wire.Spell) -> dict[str, Any]:
        found = (tx.resource("collection", id_, Collection) for id_ in product.collection_ids)
        return wire.product(product, [each for each in found if each is not None], spell)

    return Noun("product", Product, "product", "products", show)


def variant_noun(tx: Transaction) -> Noun:
    """How variants are shown; the shop's currency is that of prices that name none."""
    currency = tx.settings.currency
    return Noun(
        "variant",
        Variant,
        "product_variant",
        "product_variants",
        lambda variant, spell: wire.variant(variant, currency, spell),
    )


# products


def _changed(product: Product, body: dict[str, Any]) -> Product:
    changes: dict[str, Any] = {name: body[name] for name in PLAIN if name in body}
    if body.get("name") is not None:
        changes["name"] = body["name"]
    if body.get("price") is not None:
        changes |= {"price": body["price"]["amount"], "currency": body["price"]["currency_code"]}
    if body.get("options") is not None:
        changes["options"] = tuple(
            Option(name=each["name"], position=each.get("position") or index, values=tuple(each.get("values") or ()))
            for index, each in enumerate(body["options"], 1)
        )
    changes |= {name: tuple(body[name]) for name in ("images", "tags") if body.get(name) is not None}
    return structs.replace(product, **changes)


def _put(tx: Transaction, product: Product) -> Product:
    tx.put_resource("product", product.id, product, product.external_id)
    return product


def _new(tx: Transaction, body: dict[str, Any]) -> Product:
    id_, variant_id = commerce.new_id(tx), commerce.new_id(tx)
    blank = Product(id=id_, name="", price=0, currency=tx.settings.currency, default_variant_id=variant_id)
    product = _put(tx, _changed(blank, body))
    tx.put_variant(Variant(id=variant_id, product_id=id_, title="", **_told(product), **_copied(product)))
    return product


def _told(product: Product) -> dict[str, Any]:
    """What each of its variants says of a product."""
    return {"product_title": product.name, "product_type": product.type or "", "tags": product.tags}


def _copied(product: Product) -> dict[str, Any]:
    """What the default variant copies of its product."""
    return {
        "sku": product.sku or "",
        "price": product.price,
        "currency": product.currency,
        "barcode": product.barcode or "",
        "weight_grams": product.weight_grams or 0,
        "image": next(iter(product.images), None),
    }


def _update(tx: Transaction, product: Product, body: dict[str, Any]) -> Product:
    """Change a product, and what its variants say of it. The default one keeps what it was given itself of what does
    not change."""
    changed = _put(tx, _changed(product, body))
    before = _copied(product)
    copied = {name: value for name, value in _copied(changed).items() if value != before[name]}
    for variant in tx.variants_of(product.id):
        own = copied if variant.id == product.default_variant_id else {}
        tx.put_variant(structs.replace(variant, **_told(changed), **own))
    return changed


@operation("listProducts", reads=True)
def list_products(tx: Transaction, call: Call) -> Any:
    """A page of products; `barcode` and `tags` filter."""
    barcode, tags = call.query.get("barcode"), _tags(call.query.get("tags"))

    def fits(product: Product) -> bool:
        return (not barcode or product.barcode == barcode) and tags.issubset(product.tags)

    return commerce.list_page(tx, product_noun(tx), call, keep=fits if barcode or tags else None)


def _tags(text: str | None) -> set[str]:
    return {tag.strip() for tag in (text or "").split(",") if tag.strip()}


@operation("getProduct", reads=True)
@operation("getProductByExternalId", reads=True)
def get_product(tx: Transaction, call: Call) -> Any:
    """One product."""
    noun = product_noun(tx)
    return commerce.shown(noun, commerce.need(tx, noun, call), call)


@operation("createProduct")
def create_product(tx: Transaction, call: Call) -> Answer:
    """A new product and its default variant; 201."""
    return Answer(commerce.shown(product_noun(tx), _new(tx, call.body), call), 201)


@operation("upsertProduct")
def upsert_product(tx: Transaction, call: Call) -> Any:
    """The product with the merchant's own id, made or changed; 200 both ways, and both ids stay."""
    found = tx.resource_by_external("product", call.body["external_id"], Product)
    kept = _new(tx, call.body) if found is None else _update(tx, found, call.body)
    return commerce.shown(product_noun(tx), kept, call)


@operation("updateProduct")
def update_product(tx: Transaction, call: Call) -> Any:
    """Change a product."""
    noun = product_noun(tx)
    return commerce.shown(noun, _update(tx, commerce.need(tx, noun, call), call.body), call)


@operation("deleteProduct")
@operation("deleteProductByExternalId")
def delete_product(tx: Transaction, call: Call) -> Any:
    """Remove a product with its variants (assumed), their stock, and its places in collections."""
    noun = product_noun(tx)
    product: Product = commerce.need(tx, noun, call)
    for variant in tx.variants_of(product.id):
        _delete_variant(tx, variant.id)
    for collection_id in product.collection_ids:
        collection = tx.resource("collection", collection_id, Collection)
        if collection is not None:
            left = tuple(id_ for id_ in collection.product_ids if id_ != product.id)
            tx.put_resource(
                "collection", collection.id, structs.replace(collection, product_ids=left), collection.external_id
            )
    return commerce.delete(tx, noun, call)


# variants


def _parent(tx: Transaction, call: Call) -> Product:
    product = tx.resource("product", call.path["productId"], Product)
    if product is None:
        raise Refusal(commerce.NOT_FOUND)
    return product


def _child(tx: Transaction, call: Call) -> Variant:
    product = _parent(tx, call)
    variant = tx.resource("variant", call.path["variantId"], Variant)
    if variant is None or variant.product_id != product.id:
        raise Refusal(commerce.NOT_FOUND)
    return variant


def _changed_variant(variant: Variant, body: dict[str, Any]) -> Variant:
    changes: dict[str, Any] = {name: body[name] or "" for name in ("sku", "barcode") if name in body}
    changes |= {name: body[name] for name in ("taxable", "weight_grams") if body.get(name) is not None}
    if "external_id" in body:
        changes["external_id"] = body["external_id"]
    if body.get("name") is not None:
        changes["title"] = body["name"]
    if body.get("price") is not None:
        changes |= {"price": body["price"]["amount"], "currency": body["price"]["currency_code"]}
    if body.get("images") is not None:
        changes["image"] = next(iter(body["images"]), None)
    if body.get("options") is not None:
        changes["options"] = tuple(OptionValue(each["position"], each["value"]) for each in body["options"])
    if "logistics_information" in body:
        changes |= _logistics(body["logistics_information"])
    return structs.replace(variant, **changes)


def _logistics(said: dict[str, Any] | None) -> dict[str, Any]:
    """What the merchant says of customs, kept to the letter and told to label providers."""
    known = said or {}
    return {
        "logistics": wire.in_order(said),
        "hs_code": known.get("default_hs_code") or "",
        "country_of_origin": known.get("origin_country_code") or "",
    }


def _put_variant(tx: Transaction, product: Product, variant: Variant) -> Variant:
    check_options(product, variant)
    tx.put_variant(variant)
    return variant


def _new_variant(tx: Transaction, product: Product, body: dict[str, Any]) -> Variant:
    blank = Variant(
        id=commerce.new_id(tx),
        product_id=product.id,
        product_title=product.name,
        title="",
        sku="",
        price=product.price,
        currency=product.currency,
        product_type=product.type or "",
        tags=product.tags,
        weight_grams=product.weight_grams or 0,
    )
    return _put_variant(tx, product, _changed_variant(blank, body))


def _delete_variant(tx: Transaction, variant_id: int) -> None:
    tx.delete_resource("variant", variant_id)
    tx.delete_stock(variant_id)


@operation("listProductVariants", reads=True)
def list_product_variants(tx: Transaction, call: Call) -> Any:
    """A page of a product's variants."""
    product = _parent(tx, call)
    return commerce.list_page(
        tx,
        variant_noun(tx),
        call,
        path=f"products/{product.id}/product-variants",
        parent=product.id,
    )


@operation("getProductVariant", reads=True)
def get_product_variant(tx: Transaction, call: Call) -> Any:
    """One variant of a product."""
    return commerce.shown(variant_noun(tx), _child(tx, call), call)


@operation("createProductVariant")
def create_product_variant(tx: Transaction, call: Call) -> Answer:
    """A new variant of a product; 201."""
    return Answer(commerce.shown(variant_noun(tx), _new_variant(tx, _parent(tx, call), call.body), call), 201)


@operation("upsertProductVariant")
def upsert_product_variant(tx: Transaction, call: Call) -> Any:
    """The variant with the merchant's own id, made or changed. One of another product has that id already."""
    product = _parent(tx, call)
    found = tx.resource_by_external("variant", call.body["external_id"], Variant)
    if found is None:
        return commerce.shown(variant_noun(tx), _new_variant(tx, product, call.body), call)
    if found.product_id != product.id:
        raise Refusal("external_id_taken")
    return commerce.shown(variant_noun(tx), _put_variant(tx, product, _changed_variant(found, call.body)), call)


@operation("patchProductVariant")
def patch_product_variant(tx: Transaction, call: Call) -> Any:
    """Change a variant."""
    changed = _changed_variant(_child(tx, call), call.body)
    return commerce.shown(variant_noun(tx), _put_variant(tx, _parent(tx, call), changed), call)


@operation("deleteProductVariant")
def delete_product_variant(tx: Transaction, call: Call) -> Any:
    """Remove a variant and its stock."""
    variant = _child(tx, call)
    _delete_variant(tx, variant.id)
    return {"id": commerce.spell_of(call)(variant.id), "success": True}
