"""Live classes: schedule, the room where people talk, vote and are counted, and the replay."""
