"""A Django site that is an OpenID provider by django-oauth-toolkit; `tests/servers/toolkit_provider.py` runs it."""
