"""What a scenario can say: acts, time, faults, expectations. `WORDS` has them all."""

from loopsim.harness.words import acts, clock, faults, integration, settings
from loopsim.harness.words.registry import WORDS, Word, arguments_of, word

__all__ = ["WORDS", "Word", "acts", "arguments_of", "clock", "faults", "integration", "settings", "word"]
