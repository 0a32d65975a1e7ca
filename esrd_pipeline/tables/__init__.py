"""Every stored table's columns, key and rules: the data dictionary's source."""
