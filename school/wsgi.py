"""The web process: gevent's patches first, then the application (`gunicorn -k gevent school.wsgi:app`)."""

from gevent import monkey

monkey.patch_all()

from school.app import create_app  # noqa: E402 - nothing may be imported before the patches
from school.core.logs import configure  # noqa: E402

configure()
app = create_app()
