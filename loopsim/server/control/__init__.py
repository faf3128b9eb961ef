"""Control operations that concern the server as a whole, or wait: shops, keys, clocks, deliveries, the journal."""
