"""The control API's operations on one shop. Importing a module registers its own (`operations.index`)."""
