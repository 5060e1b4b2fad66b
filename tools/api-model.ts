/** The part of API Extractor's document model that the reference is written from. */

export interface Token {
  readonly kind: 'Content' | 'Reference';
  readonly text: string;
  readonly canonicalReference?: string;
}

interface TokenRange {
  readonly startIndex: number;
  readonly endIndex: number;
}

export interface Item {
  readonly kind: string;
  readonly name?: string;
  readonly docComment?: string;
  readonly excerptTokens: readonly Token[];
  readonly members?: readonly Item[];
  readonly isOptional?: boolean;
  readonly isStatic?: boolean;
  readonly propertyTypeTokenRange?: TokenRange;
  readonly returnTypeTokenRange?: TokenRange;
  readonly parameters?: readonly Parameter[];
}

interface Parameter {
  readonly parameterName: string;
  readonly parameterTypeTokenRange: TokenRange;
  readonly isOptional: boolean;
}

/** What the package's entry point exports. */
export function exportedItems(model: unknown): readonly Item[] {
  const [entryPoint] = (model as { members: readonly { members: readonly Item[] }[] }).members;
  if (entryPoint === undefined) throw new Error('The model has no entry point');
  return entryPoint.members;
}

export function tokensOf(item: Item, range: TokenRange | undefined): readonly Token[] {
  return range === undefined ? [] : item.excerptTokens.slice(range.startIndex, range.endIndex);
}

/** A parameter that the source takes apart is in the model twice: as the pattern, without a type, and as `input`. */
export function parametersOf(item: Item): readonly Parameter[] {
  return (item.parameters ?? []).filter(({ parameterName }) => /^\w+$/.test(parameterName));
}

export function isError(item: Item): boolean {
  return item.kind === 'Class' && (item.name ?? '').endsWith('Error');
}
