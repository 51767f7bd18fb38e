"""OAuth connections of a Django site: the site's own address, provider registrations, accounts and their tokens."""
