"""The alarm that needs no mail: a banner in the admin, system checks, /healthz and /metrics (S-30)."""
