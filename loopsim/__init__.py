"""loopsim: a local, stateful simulator of the Loop Returns API, and a test harness for what is built on it."""

__version__ = "0.1.0"
