import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { settingsSchema } from '../../src/settings/schema.ts';

type JsonSchema = Readonly<Record<string, unknown>> & {
  readonly title?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
};

/** Every setting with its schema; the names of a record are `<name>`. */
function settingsOf(schema: JsonSchema, path: readonly string[] = []): [path: string, schema: JsonSchema][] {
  if (schema.title === 'Secret') return [[path.join('.'), schema]];
  const alternatives = schema.oneOf ?? schema.anyOf;
  if (alternatives !== undefined) return alternatives.flatMap((alternative) => settingsOf(alternative, path));
  if (schema.properties !== undefined) {
    return Object.entries(schema.properties).flatMap(([key, value]) => settingsOf(value, [...path, key]));
  }
  if (typeof schema.additionalProperties === 'object')
    return settingsOf(schema.additionalProperties, [...path, '<name>']);
  return [[path.join('.'), schema]];
}

const jsonSchema = z.toJSONSchema(settingsSchema, { io: 'input', reused: 'inline' }) as JsonSchema;
const settings = new Map(settingsOf(jsonSchema));
const documentation = readFileSync(new URL('../../../../docs/configuration.md', import.meta.url), 'utf8');
const rows = new Map(
  Array.from(documentation.matchAll(/^\| `([^`]+)` +\|(.*)\|$/gm), ([, path = '', cells = '']) => [
    path,
    cells.split('|').map((cell) => cell.trim()),
  ]),
);

describe('docs/configuration.md', () => {
  it('describes every setting, and no other', () => {
    assert.ok(settings.size > 30, `${settings.size} settings found`);
    assert.deepEqual([...rows.keys()].sort(), [...settings.keys()].sort());
  });

  for (const [path, schema] of settings) {
    it(`is right about ${path}`, () => {
      const [meaning = '', standard = '', bounds = ''] = rows.get(path) ?? [];
      assert.ok(meaning.length > 10, 'has a meaning');
      if (schema.default !== undefined) assert.ok(standard.includes(JSON.stringify(schema.default)), standard);
      if (schema.minimum !== undefined) assert.ok(bounds.includes(`${schema.minimum} to ${schema.maximum}`), bounds);
      assert.equal(meaning.startsWith('Secret. '), schema.title === 'Secret');
    });
  }

  it('has an example that is valid', () => {
    const [, example = ''] = /```json\n(.*?)```/s.exec(documentation) ?? [];
    assert.doesNotThrow(() => settingsSchema.parse(JSON.parse(example)));
  });
});
