"""Pure numerics: arrays in, frozen dataclasses out; numpy and scipy alone."""
