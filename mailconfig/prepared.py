"""A query that runs before every mail, with its SQL made once: to make it costs the ORM more than all the rest."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Col

M = TypeVar("M", bound=models.Model)


class _Statement(NamedTuple):
    """As one database wants it; few of its columns need to be converted after reading."""

    sql: str
    converted: dict[int, Col]


class PreparedQuery(Generic[M]):
    """Finds a row by the value of a field. Only the statement is kept: the row is read anew each time.

    `related` are foreign keys, read along as by `select_related()`. `only` are the fields that are read, if not all, as
    by `only()`; the key must be one. `annotations` have no parameters.
    """

    def __init__(
        self,
        model: type[M],
        by: str,
        related: Sequence[str] = (),
        only: Sequence[str] = (),
        **annotations: models.Subquery,
    ) -> None:
        self._model, self._by, self._related, self._annotations = model, by, related, annotations
        self._names = only or [field.attname for field in model._meta.concrete_fields]
        self._statements: dict[str, _Statement] = {}

    def find(self, using: str, value: str) -> M | None:
        """None if there is no such row. `using` is the alias of a database."""
        connection = connections[using]
        statement = self._statements.get(using) or self._prepare(connection)
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, [value])
            row = cursor.fetchone()
        return self._instance(using, _converted(row, statement, connection)) if row else None

    def _prepare(self, connection: BaseDatabaseWrapper) -> _Statement:
        fields = self._fields()
        rows = self._model._default_manager.annotate(**self._annotations).filter(**{self._by: ""})
        query = rows.values_list(*fields, *self._annotations).query
        sql, parameters = query.get_compiler(connection.alias).as_sql()
        assert len(parameters) == 1, "only the value to find may be a parameter"
        columns = {number: Col(field.model._meta.db_table, field) for number, field in enumerate(fields.values())}
        converted = {number: column for number, column in columns.items() if converters(column, connection)}
        self._statements[connection.alias] = statement = _Statement(sql, converted)
        return statement

    def _fields(self) -> dict[str, "models.Field[Any, Any]"]:
        """By the path that leads to them."""
        own = {field.attname: field for field in self._model._meta.concrete_fields if field.attname in self._names}
        related = {
            f"{name}__{field.attname}": field
            for name in self._related
            for field in self._related_model(name)._meta.concrete_fields
        }
        return own | related

    def _related_model(self, name: str) -> type[models.Model]:
        model = self._model._meta.get_field(name).related_model
        assert isinstance(model, type)
        assert issubclass(model, models.Model)
        return model

    def _instance(self, using: str, values: Iterator[Any]) -> M:
        instance = self._model.from_db(using, self._names, list(islice(values, len(self._names))))
        for name in self._related:
            related = _loaded(self._related_model(name), using, values)
            if related.pk is not None:
                setattr(instance, name, related)
        for name, value in zip(self._annotations, values, strict=True):
            setattr(instance, name, value)
        return instance


def _loaded(model: type[M], using: str, values: Iterator[Any]) -> M:
    names = [field.attname for field in model._meta.concrete_fields]
    return model.from_db(using, names, list(islice(values, len(names))))


def _converted(row: Sequence[Any], statement: _Statement, connection: BaseDatabaseWrapper) -> Iterator[Any]:
    values = list(row)
    for number, column in statement.converted.items():
        for convert in converters(column, connection):
            values[number] = convert(values[number], column, connection)
    return iter(values)


def converters(column: Col, connection: BaseDatabaseWrapper) -> list[Callable[..., Any]]:
    """What the ORM does to what a database gives."""
    return [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)]
