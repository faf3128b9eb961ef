"""All defects that the harness must catch, by partner."""

from __future__ import annotations

from tests.defects.defect import Defect
from tests.defects.erp import ERP_DEFECTS
from tests.defects.labels import LABEL_DEFECTS
from tests.defects.warehouse_calls import CALL_DEFECTS
from tests.defects.warehouse_webhooks import WEBHOOK_DEFECTS
from tests.defects.warehouse_work import WORK_DEFECTS

DEFECTS: tuple[Defect, ...] = (*WEBHOOK_DEFECTS, *WORK_DEFECTS, *CALL_DEFECTS, *ERP_DEFECTS, *LABEL_DEFECTS)
