"""Rules on facility tables only: flags, QIP scores and payment reductions, star ratings."""
