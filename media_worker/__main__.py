"""`python -m media_worker` starts one worker process."""

from media_worker.transcode.worker import main

if __name__ == "__main__":
    main()
