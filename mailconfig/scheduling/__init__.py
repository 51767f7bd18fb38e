"""Jobs that run on a schedule kept in the database, each on exactly one host."""
