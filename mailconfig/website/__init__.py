"""The ready site: a Django project around the apps, for those who have none."""
