"""What sending, checking and showing cost beside Django's own; docs/performance.md says what is compared and why."""
