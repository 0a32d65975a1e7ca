"""Stored tables in an object store, against a server that speaks S3 on this machine."""
