"""The help inside the site: pages for administrators, written in docs/help, searched, and printed as one PDF."""
