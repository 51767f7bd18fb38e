"""All secrets that the database holds: every encrypted column of every model, in batches."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from django.apps import apps
from django.db import models, router

from .encryption import decrypt, is_current
from .fields import EncryptedTextField, Secret, Undecryptable

BATCH: Final = 500


@dataclass(frozen=True)
class StoredSecret:
    """One value, where it stands, and the text that the database has for it."""

    model: type[models.Model]
    database: str
    pk: Any
    field_name: str
    stored: str = field(repr=False)

    @property
    def place(self) -> dict[str, str]:
        return {"model": self.model._meta.label_lower, "pk": str(self.pk), "field": self.field_name}

    @property
    def is_current(self) -> bool:
        return is_current(self.stored)

    def opened(self) -> Secret | Undecryptable:
        return decrypt(self.stored)

    def replace(self, secret: Secret) -> bool:
        """Write the secret under the first key, unless somebody changed it since it was read; say if it was written."""
        row = _rows(self.model, self.database, self.field_name).filter(pk=self.pk, stored=self.stored)
        return bool(row.update(**{self.field_name: secret}))


def batches(databases: Collection[str] | None = None) -> Iterator[list[StoredSecret]]:
    """Every value that isn't empty, a list per batch; only those of some databases, if named."""
    for model, name in _columns():
        database = router.db_for_write(model)
        if databases is None or database in databases:
            yield from _batches_of(model, name, database)


def _columns() -> Iterator[tuple[type[models.Model], str]]:
    for model in apps.get_models(include_auto_created=True):
        if not model._meta.proxy and not model._meta.swapped:
            for column in model._meta.local_concrete_fields:
                if isinstance(column, EncryptedTextField):
                    yield model, column.name


def _batches_of(model: type[models.Model], name: str, database: str) -> Iterator[list[StoredSecret]]:
    rows = _rows(model, database, name).exclude(stored="").exclude(stored=None).order_by("pk")
    last: dict[str, Any] = {}
    while found := list(rows.filter(**last).values_list("pk", "stored")[:BATCH]):
        yield [StoredSecret(model, database, pk, name, stored) for pk, stored in found]
        last = {"pk__gt": found[-1][0]}


def _rows(model: type[models.Model], database: str, name: str) -> models.QuerySet[Any]:
    stored = models.ExpressionWrapper(models.F(name), output_field=models.TextField())
    rows: models.QuerySet[Any] = model._base_manager.using(database).annotate(stored=stored)
    return rows
