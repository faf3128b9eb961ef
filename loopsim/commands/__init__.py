"""The verbs of the command line, one file each. All but `serve` and `ledger` speak HTTP to a running server."""
