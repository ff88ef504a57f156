"""The packager: cuts the relay's frames into HLS, serves it while the class runs, and stores it as the recording."""
