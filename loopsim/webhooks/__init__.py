"""Webhooks out: signing, where they may go, one attempt, and the worker that sees every delivery through."""
