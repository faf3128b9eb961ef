"""Importing returns of a real shop. Loaded when somebody imports: a server that starts has no need of it."""
