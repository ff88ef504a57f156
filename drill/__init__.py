"""Faults and storms on a real school, by hand: `script/drill NAME`. What a test shows small, a drill shows in full size."""
