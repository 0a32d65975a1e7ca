"""The static site: pages of the nation, Networks, states, chains, facilities and measures.

Every number on a page is a stored one; pages are written from templates without a server.
"""
