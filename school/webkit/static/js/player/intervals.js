// Sets of media intervals [from, to] in milliseconds: sorted, apart from each other, touching ones joined.

/** The union of any intervals; empty ones fall away. */
export function union(intervals) {
  const joined = [];
  for (const [from, to] of [...intervals].sort((one, other) => one[0] - other[0])) {
    const last = joined[joined.length - 1];
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else if (to > from) joined.push([from, to]);
  }
  return joined;
}

/** What of the set `from` is not in the set `taken`. */
export function minus(from, taken) {
  const left = [];
  for (let [start, end] of from) {
    for (const [cut, until] of taken) {
      if (until <= start || cut >= end) continue;
      if (cut > start) left.push([start, cut]);
      start = until;
    }
    if (start < end) left.push([start, end]);
  }
  return left;
}

/** The length of all intervals together. */
export const measure = (intervals) => intervals.reduce((sum, [from, to]) => sum + to - from, 0);

/** Milliseconds as a position: 31:05, 1:02:03. */
export function clock(ms) {
  const seconds = Math.floor(ms / 1000);
  const two = (value) => String(value).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes}:${two(seconds % 60)}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}
