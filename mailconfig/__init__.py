"""The outgoing-mail settings of a Django site, edited, authenticated and tested in the browser."""
