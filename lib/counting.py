"""Counting within a query."""

from django.db.models import IntegerField, Subquery


class CountOf(Subquery):
    """How many rows a query has, answered beside each row of another; a slice of it is a count that ends there."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()
