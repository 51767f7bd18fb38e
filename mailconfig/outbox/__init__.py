"""A durable queue of outgoing mail in the project's own database, and what delivers it."""
