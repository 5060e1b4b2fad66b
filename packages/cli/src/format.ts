/** A duration for a table: milliseconds below ten seconds, then seconds with one decimal. */
export function formatDuration(durationMs: number): string {
  return durationMs < 10_000 ? `${Math.round(durationMs)} ms` : `${(durationMs / 1000).toFixed(1)} s`;
}

/** A path as a person would write it: relative to the working folder where that is shorter. */
export function shorterPath(path: string, relativePath: string): string {
  return relativePath !== '' && relativePath.length < path.length ? relativePath : path;
}

/** ISO 8601 for a table: local time, to the minute. */
export function formatInstant(iso8601: string): string {
  const instant = new Date(iso8601);
  const two = (part: number): string => String(part).padStart(2, '0');
  const day = `${instant.getFullYear()}-${two(instant.getMonth() + 1)}-${two(instant.getDate())}`;
  return `${day} ${two(instant.getHours())}:${two(instant.getMinutes())}`;
}
