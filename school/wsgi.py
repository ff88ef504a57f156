"""The web process: gevent's patches first, then the application (`gunicorn -k gevent school.wsgi:app`)."""

import gc

from gevent import monkey

monkey.patch_all()

from school.app import create_app  # noqa: E402 - nothing may be imported before the patches
from school.core.logs import configure  # noqa: E402

configure()
app = create_app()

# Thousands of requests may wait at once. The collector would walk through all of them, and the whole program, again
# and again: what stands now stays for ever, and what is new is looked at less often.
gc.collect()
gc.freeze()
gc.set_threshold(50_000)
