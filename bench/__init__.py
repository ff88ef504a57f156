"""Benches: `script/bench NAME` measures one figure of the school beside its floor, in the same run."""
