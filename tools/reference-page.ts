/**
 * The reference of a package as one page of Markdown. It exists beside API Extractor's own tool, which writes a page
 * for each member, because one page can be searched and read from top to bottom.
 */
import { isError, parametersOf, tokensOf, type Item, type Token } from './api-model.ts';
import { parseDocstring, type Docstring } from './docstring.ts';

interface Page {
  /** Names that have a heading to link to. */
  readonly names: ReadonlySet<string>;
  /** The package's `index.d.ts`. */
  readonly declarations: string;
}

const sections: readonly [heading: string, belongs: (item: Item) => boolean][] = [
  ['Classes', (item) => item.kind === 'Class' && !isError(item)],
  ['Functions', (item) => item.kind === 'Function'],
  ['Errors', isError],
  ['Tables', (item) => item.kind === 'Variable'],
  ['Types', (item) => item.kind === 'Interface' || item.kind === 'TypeAlias'],
];

export function writeReference(title: string, items: readonly Item[], declarations: string): string {
  const page: Page = { names: new Set(items.map(nameOf)), declarations };
  const used = sections
    .map(([heading, belongs]) => ({ heading, members: items.filter(belongs) }))
    .filter(({ members }) => members.length > 0);
  const contents = used.map(
    ({ heading, members }) =>
      `- ${heading}: ${[...new Set(members.map((item) => link(nameOf(item), page)))].join(', ')}`,
  );
  return [
    `# ${title}: reference`,
    '<!-- Generated from the docstrings by `npm run reference`; changes here are overwritten. -->',
    'Everything that the package exports. A `?` marks what may be left out.',
    contents.join('\n'),
    ...used.flatMap(({ heading, members }) => [
      `## ${heading}`,
      ...members.flatMap((item) => describeItem(item, page)),
    ]),
    '',
  ]
    .join('\n\n')
    .replace(/\n+$/, '\n');
}

/** What the docstrings lack, or say of names that are not exported. */
export function docstringProblems(items: readonly Item[]): string[] {
  const names = new Set(items.map(nameOf));
  const problems: string[] = [];
  const check = (item: Item, where: string): void => {
    const docstring = parseDocstring(item.docComment ?? '');
    if (docstring.text === '' && !speaksForItself(item, names)) problems.push(`${where}: has no docstring`);
    for (const tag of docstring.unknownTags) problems.push(`${where}: the tag @${tag} has no place in the reference`);
    for (const { error } of docstring.throws) {
      if (error !== undefined && !names.has(error) && !(error in globalThis)) {
        problems.push(`${where}: @throws names ${error}, which is not exported`);
      }
    }
    const wantsExample =
      item.kind === 'Function' || item.kind === 'Variable' || (item.kind === 'Class' && !isError(item));
    if (wantsExample && docstring.examples.length === 0) problems.push(`${where}: has no @example`);
    for (const member of item.members ?? []) check(member, `${where}.${nameOf(member)}`);
  };
  for (const item of items) check(item, nameOf(item));
  return problems;
}

/**
 * Constructors are described by their class. Of the literal that tells a union's members apart, and of a member whose
 * type is one of ours with a text of its own, a docstring could only repeat what is there.
 */
function speaksForItself(item: Item, names: ReadonlySet<string>): boolean {
  const [type, ...more] = tokensOf(item, item.propertyTypeTokenRange);
  if (type === undefined || more.length > 0) return item.kind === 'Constructor';
  return isReference(type) ? names.has(type.text) : /^(?:'[^']*'|true|false)$/.test(type.text);
}

function nameOf(item: Item): string {
  return item.name ?? (item.kind === 'Constructor' ? 'constructor' : item.kind);
}

function describeItem(item: Item, page: Page): string[] {
  const docstring = parseDocstring(item.docComment ?? '');
  const parts = [`### ${nameOf(item)}`];
  const bases = item.kind === 'Class' || item.kind === 'Interface' ? item.excerptTokens.filter(isReference) : [];
  if (bases.length > 0) parts.push(`Extends ${bases.map(({ text }) => link(text, page)).join(', ')}.`);
  parts.push(...describeText(docstring, page));
  if (item.kind === 'TypeAlias' || item.kind === 'Variable') parts.push(code(declarationOf(item, page)));
  if (item.kind === 'Function') parts.push(...describeCall(item, docstring, page));
  parts.push(...describeExamples(docstring, page));
  const members = inSourceOrder(item, page);
  const properties = members.filter((member) => member.kind.startsWith('Property'));
  if (properties.length > 0) parts.push(properties.map((member) => describeProperty(member, page)).join('\n'));
  for (const member of members.filter((each) => !each.kind.startsWith('Property'))) {
    // Users catch errors; they do not make them.
    if (member.kind === 'Constructor' && isError(item)) continue;
    parts.push(...describeMethod(item, member, page));
  }
  return parts;
}

/** The model sorts members by name; the sources put what belongs together side by side. */
function inSourceOrder(item: Item, page: Page): readonly Item[] {
  const declaration = declarationOf(item, page);
  const position = (member: Item): number =>
    declaration.search(new RegExp(String.raw`^ {4}(?:readonly |static |get )*${nameOf(member)}[?(:<]`, 'm'));
  return (item.members ?? []).toSorted((one, other) => position(one) - position(other));
}

/** From `index.d.ts`, since the model drops the comments inside a type. */
function declarationOf(item: Item, page: Page): string {
  const start = page.declarations.search(
    new RegExp(
      String.raw`^export declare (?:abstract )?(?:class|const|function|interface|type) ${nameOf(item)}\b`,
      'm',
    ),
  );
  const end = page.declarations.indexOf('\n\n', start);
  if (start === -1) throw new Error(`index.d.ts does not declare ${nameOf(item)}`);
  // A blank line ends a declaration; inside one, comments have ` *` on theirs.
  return page.declarations
    .slice(start, end === -1 ? undefined : end)
    .replace(/^export declare /, '')
    .trim();
}

function describeText(docstring: Docstring, page: Page): string[] {
  const { deprecated, text, seeAlso } = docstring;
  return [
    ...(deprecated === undefined ? [] : [`**Deprecated.** ${resolveLinks(deprecated, page)}`]),
    ...(text === '' ? [] : [resolveLinks(text, page)]),
    ...seeAlso.map((reference) => `See ${resolveLinks(reference, page)}`),
  ];
}

function describeProperty(member: Item, page: Page): string {
  const docstring = parseDocstring(member.docComment ?? '');
  const mark = member.isOptional === true ? '?' : '';
  const type = linkedType(tokensOf(member, member.propertyTypeTokenRange), page);
  const { defaultValue } = docstring;
  const text = [...describeText(docstring, page), ...(defaultValue === undefined ? [] : [`Default: ${defaultValue}`])];
  return `- **\`${nameOf(member)}${mark}\`**: ${type}${text.length === 0 ? '' : `  \n${indent(text.join('\n\n'))}`}`;
}

function describeMethod(owner: Item, member: Item, page: Page): string[] {
  const docstring = parseDocstring(member.docComment ?? '');
  const names = parametersOf(member)
    .map(({ parameterName }) => parameterName)
    .join(', ');
  const name = member.kind === 'Constructor' ? `new ${nameOf(owner)}` : nameOf(member);
  return [
    `#### ${name}(${names})`,
    ...describeText(docstring, page),
    ...describeCall(member, docstring, page),
    ...describeExamples(docstring, page),
  ];
}

function describeCall(item: Item, docstring: Docstring, page: Page): string[] {
  const signature = item.excerptTokens.map(({ text }) => text).join('');
  const lines = parametersOf(item).map((parameter) => {
    const type = linkedType(tokensOf(item, parameter.parameterTypeTokenRange), page);
    const mark = parameter.isOptional ? '?' : '';
    const description = docstring.parameters.get(parameter.parameterName);
    return `- **\`${parameter.parameterName}${mark}\`**: ${type}${description === undefined ? '' : `, ${resolveLinks(description, page)}`}`;
  });
  const returned = tokensOf(item, item.returnTypeTokenRange);
  if (returned.length > 0) {
    const description = docstring.returns === undefined ? '' : `: ${resolveLinks(docstring.returns, page)}`;
    lines.push(`- Returns ${linkedType(returned, page)}${description}`);
  }
  for (const { error, when } of docstring.throws) {
    lines.push(`- Throws ${error === undefined ? '' : `${link(error, page)}: `}${resolveLinks(when, page)}`);
  }
  return [
    code(signature.replace(/^export declare /, '').replaceAll('\n    ', '\n')),
    ...(lines.length === 0 ? [] : [lines.map((line) => line.replaceAll(/\n */g, '\n  ')).join('\n')]),
  ];
}

function describeExamples(docstring: Docstring, page: Page): string[] {
  return docstring.examples.map((example) => `Example:\n\n${resolveLinks(example, page)}`);
}

/** A type in one line, with links to the types of this page. */
function linkedType(tokens: readonly Token[], page: Page): string {
  let plain = '';
  const parts: string[] = [];
  const flush = (): void => {
    const text = plain.replaceAll(/\s+/g, ' ');
    if (text.trim() !== '') parts.push(text.replace(/^( ?)(.*?)( ?)$/, '$1`$2`$3'));
    else parts.push(text);
    plain = '';
  };
  for (const token of tokens) {
    if (isReference(token) && page.names.has(token.text)) {
      flush();
      parts.push(link(token.text, page));
    } else plain += token.text;
  }
  flush();
  return parts.join('');
}

function isReference(token: Token): boolean {
  return token.kind === 'Reference';
}

function link(name: string, page: Page): string {
  return page.names.has(name) ? `[\`${name}\`](#${name.toLowerCase()})` : `\`${name}\``;
}

function resolveLinks(text: string, page: Page): string {
  return text.replaceAll(/\{@link (\w+)(?:[.#]\w+)?(?:\s*\|\s*([^}]*))?\}/g, (_, name: string, label?: string) =>
    label === undefined ? link(name, page) : `[${label.trim()}](#${name.toLowerCase()})`,
  );
}

function code(text: string): string {
  return `\`\`\`ts\n${text}\n\`\`\``;
}

function indent(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ');
}
