"""The judge: scenario documents, their run against a partner, and what comes of it. A client, no more."""
