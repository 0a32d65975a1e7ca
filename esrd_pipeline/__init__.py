"""The CMS ESRD quality measures, computed from raw files: see README.md and the rooms below."""
