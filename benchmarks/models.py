"""What the settings page is measured against: a model of as many fields, of the same kinds, with nothing else to it."""

from django.db import models


class Sizes(models.TextChoices):
    SMALL = "small", "Small"
    MEDIUM = "medium", "Medium"
    LARGE = "large", "Large"


class PlainSettings(models.Model):
    """Field by field the kinds of the settings page, in its order."""

    name = models.CharField(max_length=253, help_text="Name or address, such as www.example.com.")
    number = models.PositiveIntegerField(null=True, blank=True, help_text="Leave empty for the usual one.")
    email = models.EmailField(blank=True, help_text="What names no address of its own gets this one.")
    known = models.CharField(max_length=255, blank=True, editable=False)
    title = models.CharField(max_length=200, blank=True, help_text="Shown beside the address.")
    always = models.BooleanField(default=False, help_text="Also for what names another one.")
    size = models.CharField(max_length=10, choices=Sizes, default=Sizes.SMALL)
    other_size = models.CharField(max_length=10, choices=Sizes, default=Sizes.LARGE, help_text="Try both first.")
    user_name = models.CharField(max_length=320, blank=True, help_text="Often the full address.")
    note = models.CharField(max_length=320, blank=True, help_text="Leave empty to keep.")
    forget = models.BooleanField(default=False)
    confirm = models.BooleanField(default=False, help_text="Anybody on the way can read it.")
    source = models.CharField(max_length=20, choices=Sizes, default=Sizes.MEDIUM, help_text="Where it comes from.")
    custom = models.CharField(max_length=255, blank=True)
    state = models.CharField(max_length=255, blank=True, editable=False)
    seconds = models.PositiveSmallIntegerField(default=30, help_text="Seconds to wait, from 1 to 600.")
    text = models.TextField(blank=True, help_text="Only for those who need it.")
    fingerprint = models.CharField(max_length=95, blank=True, help_text="Only this one is trusted.")
    file = models.FileField(blank=True, help_text="Fills the field above.")
    revision = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = verbose_name_plural = "plain settings"

    def __str__(self) -> str:
        return self.name
