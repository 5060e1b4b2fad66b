/** Intune's limit on descriptions, in UTF-16 units. */
const longestDescription = 255;

/** The start of a description that Intune takes; never ends in half a surrogate pair, which no service could decode. */
export function cutDescription(description: string): string {
  const start = description.slice(0, longestDescription);
  return start.isWellFormed() ? start : start.slice(0, -1);
}
