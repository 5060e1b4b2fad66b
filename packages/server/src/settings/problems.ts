/** What is wrong with a configuration, in sentences for the person who wrote it. No value of theirs is repeated. */
import type { z } from 'zod';

/** Names that one slip of the keyboard or one forgotten letter turns into each other. */
const CLOSE_ENOUGH = 2;

/** The predicate of a sentence whose subject is the setting: "must be a number, not text". */
export function describeIssue(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return 'is missing';
      return `must be ${typeNames[issue.expected] ?? issue.expected}, not ${nameOfType(issue.input)}`;
    case 'invalid_value':
      return `must be ${quotedList(issue.values)}`;
    case 'invalid_union':
      return Array.isArray(issue.options) ? `must be ${quotedList(issue.options)}` : undefined;
    case 'too_small':
      return issue.origin === 'string' ? `must have at least ${issue.minimum} characters` : 'must not be empty';
    case 'too_big':
      return issue.origin === 'string'
        ? `must have at most ${issue.maximum} characters`
        : `must have at most ${issue.maximum} entries`;
    case 'invalid_key':
      return 'is not a valid name: use 1 to 40 of a-z, 0-9 and -';
    default:
      return undefined;
  }
}

/** `; did you mean "x"?`, or nothing when nothing is near. */
export function didYouMean(word: string, known: readonly string[]): string {
  const distances = known.map((candidate) => ({ candidate, distance: editDistance(word, candidate) }));
  const [nearest] = distances.sort((a, b) => a.distance - b.distance);
  const isNear = nearest !== undefined && nearest.distance <= Math.min(CLOSE_ENOUGH, word.length - 1);
  return isNear ? `; did you mean "${nearest.candidate}"?` : '';
}

/** `"a"`, `"a" or "b"`, `"a", "b" or "c"`. */
export function listOf(quoted: readonly string[]): string {
  const last = quoted.at(-1) ?? '';
  return quoted.length < 2 ? last : `${quoted.slice(0, -1).join(', ')} or ${last}`;
}

function quotedList(values: readonly unknown[]): string {
  return listOf(values.map((value) => JSON.stringify(value)));
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'text in quotes',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object in braces',
  record: 'an object in braces',
  array: 'a list in brackets',
};

function nameOfType(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  const names: Readonly<Record<string, string>> = { string: 'text', number: 'a number', object: 'an object' };
  return names[typeof value] ?? typeof value;
}

/** Levenshtein's, upper and lower case alike. Names are short: a bound keeps it from being made slow. */
function editDistance(left: string, right: string): number {
  const [from, to] = [left.slice(0, 64).toLowerCase(), right.slice(0, 64).toLowerCase()];
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [row, letter] of Array.from(from).entries()) {
    const current = [row + 1];
    for (let column = 1; column <= to.length; column += 1) {
      const replaced = (previous[column - 1] ?? 0) + (to[column - 1] === letter ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous.at(-1) ?? 0;
}
