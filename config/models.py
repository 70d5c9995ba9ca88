from django.db import models


class Heartbeat(models.Model):
    """When the schedule last reached a worker. A row, since web and worker share nothing else in every set-up."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} at {self.at:%Y-%m-%d %H:%M:%S} UTC"
