"""Loop's API: one plain function per operationId. Importing a module registers its own (`operations.index`)."""
