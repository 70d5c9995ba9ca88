"""What the web server runs: Django's WSGI application, reached without waiting for anybody slow."""

from django.conf import settings

from config.bridge import Bridge
from config.wsgi import application as wsgi

application = Bridge(wsgi, threads=settings.WEB_THREADS)
