/**
 * Takes a docstring apart: the text, and its tags. It exists because the reference shows parameters, errors and
 * examples each in a place of their own.
 */

export interface Docstring {
  /** Everything before the first tag, and remarks, as Markdown. */
  readonly text: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly returns: string | undefined;
  /** The default value of a property. */
  readonly defaultValue: string | undefined;
  readonly deprecated: string | undefined;
  /** `error` is undefined for what is no error of a known class, such as the reason of an aborted signal. */
  readonly throws: readonly { readonly error: string | undefined; readonly when: string }[];
  /** Markdown, with its code fence. */
  readonly examples: readonly string[];
  readonly seeAlso: readonly string[];
  readonly unknownTags: readonly string[];
}

/** What API Extractor puts above a constructor that has no text of its own. */
const generatedText = /^Constructs a new instance of the `\w+` class\s*/;

export function parseDocstring(comment: string): Docstring {
  const [text = '', ...tagged] = splitAtTags(stripDelimiters(comment));
  const remarks: string[] = [text.replace(generatedText, '')];
  const parameters = new Map<string, string>();
  const single = new Map<string, string>();
  const throws: { error: string | undefined; when: string }[] = [];
  const examples: string[] = [];
  const seeAlso: string[] = [];
  const unknownTags: string[] = [];
  for (const block of tagged) {
    const [, tag = '', body = ''] = /^@(\w+)\s*([\s\S]*)$/.exec(block) ?? [];
    if (tag === 'param') {
      const [, name = '', description = ''] = /^(\w+)\s*(?:-\s*)?([\s\S]*)$/.exec(body) ?? [];
      parameters.set(name, description);
    } else if (tag === 'throws') {
      const [, braced, bare, when = ''] = /^(?:\{(\w+)\}|(\w+Error)\b)?\s*([\s\S]*)$/.exec(body) ?? [];
      throws.push({ error: braced ?? bare, when });
    } else if (tag === 'returns' || tag === 'defaultValue' || tag === 'deprecated') single.set(tag, body);
    else if (tag === 'remarks') remarks.push(body);
    else if (tag === 'example') examples.push(body);
    else if (tag === 'see') seeAlso.push(body);
    else unknownTags.push(tag);
  }
  return {
    text: remarks.filter((part) => part !== '').join('\n\n'),
    parameters,
    returns: single.get('returns'),
    defaultValue: single.get('defaultValue'),
    deprecated: single.get('deprecated'),
    throws,
    examples,
    seeAlso,
    unknownTags,
  };
}

function stripDelimiters(comment: string): string {
  return comment
    .replace(/^\/\*\*/, '')
    .replace(/\*\/\s*$/, '')
    .replaceAll(/^[ \t]*\* ?/gm, '')
    .trim();
}

/** The text before the first tag, then one block a tag; an `@` inside a code fence begins none. */
function splitAtTags(text: string): string[] {
  const blocks: string[][] = [[]];
  let fenced = false;
  for (const line of text.split('\n')) {
    if (line.trimStart().startsWith('```')) fenced = !fenced;
    if (!fenced && /^@\w/.test(line)) blocks.push([]);
    blocks.at(-1)?.push(line);
  }
  return blocks.map((lines) => lines.join('\n').trim());
}
