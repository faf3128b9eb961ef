"""What orders and returns have in common as JSON: their keys in order, with the values they mostly have.

Compression begins with this text behind it, so that a document shrinks to what is its own: 570 bytes of a return
instead of 1,200, in less time. It is part of the file format: whoever changes it changes `SCHEMA_VERSION`, too. Fields
that came later are merely packed a little less tightly. What is most often the same stands last, where it is cheapest
to refer to.
"""

from __future__ import annotations

_ADDRESS = (
    b'{"name":"","company":"","address1":"","address2":"","city":"","state":"California","zip":"9","country":'
    b'"United States","country_code":"US","phone":"+1 555 01"}'
)
_ORDER = (
    b'"customer":{"id":8,"email":"@example.com","first_name":"","last_name":"","phone":"+1 555 01","external_id":null,'
    b'"tags":[]},"currency":"USD","created_at":"2026-01-04T10:00:00Z","lines":[{"id":1,"product_id":29,"variant_id":32,'
    b'"sku":"","title":"","variant_title":null,"quantity":1,"unit_price":00,"discount":0,"tax":0,"fulfilled":1,'
    b'"barcode":"69","image":null,"external_id":null,"final_sale":false,"tags":[],"said":{}}],"shipping_address":'
    + _ADDRESS
    + b","
    b'"billing_address":'
    + _ADDRESS
    + b',"taxes_included":false,"presentment_currency":"USD","presentment_rate":1000000,'
    b'"fulfillments":[{"id":4,"fulfilled_at":"2026-01-06T12:00:00Z","lines":[[1,1]],"location_id":7,"carrier":"USPS",'
    b'"tracking_number":"9","external_id":null,"status":"success","said":{}}],"external_id":null,"sales_channel":'
    b'"Online Store","status":"active","tags":[],"said":{}}'
)
_EXCHANGE = (
    b'"exchanges":[{"id":1,"product_id":29,"variant_id":32,"sku":"","title":"","price":00,"discount":0,"tax":0,'
    b'"type":"exchange","out_of_stock":false,"out_of_stock_resolution":null,"order_id":6000,"order_name":"EXC-"}],'
    b'"refunds":[{"id":1,"gateway":"shopify_payments","amount":00,"currency":"USD","provider_refund_id":1,"created_at":"'
)
_RETURN = (
    b'{"id":1,"uuid":"-4","state":"closed","order":{"id":1,"loop_id":2,"provider_id":5,"name":"#","number":"",'
    b'"provider_number":"","email":"@example.com","first_name":"","last_name":"","currency":"USD","address":'
    + _ADDRESS
    + b',"origin_country":"United States","origin_country_code":"US","taxes_included":false,"presentment_currency":'
    b'"USD","presentment_rate":1000000,"external_id":null,"sales_channel":"Online Store"},"lines":[{"id":1,'
    b'"order_line_id":1,'
    b'"unit":0,"product_id":29,"variant_id":32,"sku":"","barcode":"69","title":"","price":00,"discount":0,"tax":0,'
    b'"resolution":"refund","reason":"Changed my mind","returned_at":"2026-03-01T10:00:00Z","line_title":"",'
    b'"variant_title":null,"image":null,"parent_reason":null,"comment":"N/A","exchange_variant_id":null,'
    b'"outcome":"default","refund":0,"refund_item":0,"refund_tax":0,"restock_location_id":null,"condition":null,'
    b'"disposition":null}],"totals":{"return_product":00,"return_discount":0,"return_tax":0,"return_total":0,'
    b'"return_credit":0,"exchange_product":0,"exchange_discount":0,"exchange_tax":0,"exchange_total":0,'
    b'"exchange_credit":0,"exchange":0,"gift_card":0,"handling_fee":0,"refund":0,"upsell":0,"bonus":0,"total":0},'
    b'"outcome":"refund","created_at":"2026-03-01T10:00:00Z","updated_at":"2026-03-01T10:00:00Z","exchanges":[],'
    b'"labels":[{"id":1,"status":"delivered","carrier":"USPS","tracking_number":"9","created_at":"2026-03-01T10:00:00Z",'
    b'"updated_at":"2026-03-01T10:00:00Z","line_ids":[],"url":"https://default.loopreturns.com/label/","rate":00,'
    b'"rate_currency":"USD","service":"ground","tracking_url":null,"qrcode_url":null,"shipment_id":1,"delivered_at":null}],'
    b'"flagged":false,"edited_at":null,"closed_at":null,"method":"mail","label_source":"loop","label_failed":false,'
    b'"processing_event":"delivered","leftover":"refund","fee":0,"bonus":0,"destination_id":55,"return_method":null,'
    b'"package_reference":null,"type":"standard","is_gift":false,"refund_before_inspection":false,"was_processed":false,'
    b'"processed":{"return_at":null,"refund_at":null,"gift_card_at":null,"exchange_at":null},"pending":null,'
    b'"instant":null,"refunds":[],"gift_card_order_id":null,"gift_card_order_name":null,"happy_returns_shipment_id":null,'
    b'"overlay":[]}'
)
DICTIONARY = _EXCHANGE + _ORDER + _RETURN
