"""The packager: cuts the relay's frames into HLS, serves it while the class runs, and stores it as the recording."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # no sum here needs NumPy's threads, and a fork should find none
