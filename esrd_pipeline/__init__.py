"""The CMS ESRD quality measures, computed from raw files: see README.md and docs/."""
