"""What each measure is: frozen values that read like the manual's chapter, and nothing else."""
