"""Collections, and which products are in them."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from loopsim.domain.products import Collection, Product
from loopsim.errors import Refusal
from loopsim.operations import commerce
from loopsim.operations.commerce import Noun
from loopsim.operations.perform import Answer, Call, operation
from loopsim.store.transaction import Transaction
from loopsim.wire import commerce as wire


def _noun(tx: Transaction) -> Noun:
    def show(collection: Collection, spell: wire.Spell) -> dict[str, Any]:
        found = (tx.resource("product", id_, Product) for id_ in collection.product_ids)
        return wire.collection(collection, [each for each in found if each is not None], spell)

    return Noun("collection", Collection, "collection", "collections", show)


def _changed(collection: Collection, body: dict[str, Any]) -> Collection:
    changes: dict[str, Any] = {name: body[name] for name in ("external_id", "sales_channel") if name in body}
    if body.get("name") is not None:
        changes["name"] = body["name"]
    return structs.replace(collection, **changes)


def _put(tx: Transaction, collection: Collection) -> Collection:
    tx.put_resource("collection", collection.id, collection, collection.external_id)
    return collection


def _new(tx: Transaction, body: dict[str, Any]) -> Collection:
    return _put(tx, _changed(Collection(id=commerce.new_id(tx), name=""), body))


@operation("listCollections", reads=True)
def list_collections(tx: Transaction, call: Call) -> Any:
    """A page of collections."""
    return commerce.list_page(tx, _noun(tx), call)


@operation("getCollection", reads=True)
def get_collection(tx: Transaction, call: Call) -> Any:
    """One collection."""
    return commerce.shown(_noun(tx), commerce.need(tx, _noun(tx), call), call)


@operation("createCollection")
def create_collection(tx: Transaction, call: Call) -> Answer:
    """A new collection; 201."""
    return Answer(commerce.shown(_noun(tx), _new(tx, call.body), call), 201)


@operation("upsertCollection")
def upsert_collection(tx: Transaction, call: Call) -> Any:
    """The collection with the merchant's own id, made or changed; 200 both ways."""
    found = tx.resource_by_external("collection", call.body["external_id"], Collection)
    kept = _new(tx, call.body) if found is None else _put(tx, _changed(found, call.body))
    return commerce.shown(_noun(tx), kept, call)


@operation("updateCollection")
def update_collection(tx: Transaction, call: Call) -> Any:
    """Change a collection."""
    noun = _noun(tx)
    return commerce.shown(noun, _put(tx, _changed(commerce.need(tx, noun, call), call.body)), call)


@operation("deleteCollection")
def delete_collection(tx: Transaction, call: Call) -> Any:
    """Remove a collection; its products stay."""
    collection: Collection = commerce.need(tx, _noun(tx), call)
    for product_id in collection.product_ids:
        _tell(tx, product_id, lambda ids: tuple(id_ for id_ in ids if id_ != collection.id))
    return commerce.delete(tx, _noun(tx), call)


@operation("addProductToCollection")
def add_product_to_collection(tx: Transaction, call: Call) -> Any:
    """Put a product into a collection; one that is in it stays."""
    collection, product = _pair(tx, call)
    if product.id not in collection.product_ids:
        collection = _put(tx, structs.replace(collection, product_ids=(*collection.product_ids, product.id)))
        _tell(tx, product.id, lambda ids: (*ids, collection.id))
    return commerce.shown(_noun(tx), collection, call)


@operation("removeProductFromCollection")
def remove_product_from_collection(tx: Transaction, call: Call) -> Any:
    """Take a product out of a collection."""
    collection, product = _pair(tx, call)
    left = tuple(id_ for id_ in collection.product_ids if id_ != product.id)
    collection = _put(tx, structs.replace(collection, product_ids=left))
    _tell(tx, product.id, lambda ids: tuple(id_ for id_ in ids if id_ != collection.id))
    return commerce.shown(_noun(tx), collection, call)


def _pair(tx: Transaction, call: Call) -> tuple[Collection, Product]:
    collection = tx.resource("collection", call.path["collectionId"], Collection)
    product = tx.resource("product", call.path["productId"], Product)
    if collection is None or product is None:
        raise Refusal(commerce.NOT_FOUND)
    return collection, product


def _tell(tx: Transaction, product_id: int, change: Any) -> None:
    product = tx.resource("product", product_id, Product)
    if product is not None:
        told = structs.replace(product, collection_ids=change(product.collection_ids))
        tx.put_resource("product", product.id, told, product.external_id)
