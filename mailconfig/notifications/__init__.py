"""Who is told, by mail or webhook, that something on the site needs a person, and how often."""
