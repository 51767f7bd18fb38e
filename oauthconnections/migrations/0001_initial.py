from django.db import migrations, models

import oauthconnections.external_url


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="WebServer",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "external_url",
                    oauthconnections.external_url.ExternalURLField(
                        blank=True,
                        default="",
                        help_text="The address of this site as a browser outside sees it, such as https://www.example.com. A path is part of it if the site lives under one.",
                        max_length=255,
                        verbose_name="external visible URL",
                    ),
                ),
            ],
            options={
                "verbose_name": "web server",
                "verbose_name_plural": "web server",
                "default_permissions": ("view", "change"),
            },
        ),
    ]
