"""All defects that the harness must catch, by partner, and all partners that it must not blame."""

from __future__ import annotations

from tests.defects.defect import Defect
from tests.defects.erp import ERP_DEFECTS
from tests.defects.labels import LABEL_DEFECTS
from tests.defects.merchant import MERCHANT_DEFECTS
from tests.defects.rights import RIGHT_PARTNERS, Right
from tests.defects.rights_merchant import RIGHT_MERCHANTS
from tests.defects.rights_tokens import RIGHT_PROVIDERS
from tests.defects.shipper import SHIPPER_DEFECTS
from tests.defects.storefront import STOREFRONT_DEFECTS
from tests.defects.tokens import TOKEN_DEFECTS
from tests.defects.warehouse_calls import CALL_DEFECTS
from tests.defects.warehouse_webhooks import WEBHOOK_DEFECTS
from tests.defects.warehouse_work import WORK_DEFECTS

DEFECTS: tuple[Defect, ...] = (
    *WEBHOOK_DEFECTS,
    *WORK_DEFECTS,
    *CALL_DEFECTS,
    *ERP_DEFECTS,
    *LABEL_DEFECTS,
    *TOKEN_DEFECTS,
    *STOREFRONT_DEFECTS,
    *SHIPPER_DEFECTS,
    *MERCHANT_DEFECTS,
)
RIGHTS: tuple[Right, ...] = (*RIGHT_PARTNERS, *RIGHT_PROVIDERS, *RIGHT_MERCHANTS)
