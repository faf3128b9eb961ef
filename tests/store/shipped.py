"""The worlds that ship, by name."""

WORLDS = [
    "busy-outside-shopify",
    "empty",
    "eu-multi-currency",
    "instant-exchange",
    "large-catalogue",
    "new-outside-shopify",
    "outside-shopify",
    "us-apparel",
    "warehouse-inspects",
]
