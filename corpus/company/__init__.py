"""ACME, an online retailer: its NATS accounts after six years, three key rotations and two reorganisations.

Every cause of bloat that permopt knows is here at least once, where an operator would meet it. The causes, and
where each is found, are listed in ``acme/README.md``; ``tests/house/test_corpus.py`` asks the store for each.
"""

from __future__ import annotations

from company.goods import EDGE, WAREHOUSE
from company.money import BILLING, PAYMENTS
from company.onlookers import ANALYTICS, LOYALTY, SYS
from company.orders import ORDERS, ORDERS_EU, ORDERS_US

OPERATOR = "ACME"
ACCOUNTS = (SYS, ORDERS, ORDERS_EU, ORDERS_US, PAYMENTS, BILLING, WAREHOUSE, EDGE, ANALYTICS, LOYALTY)
