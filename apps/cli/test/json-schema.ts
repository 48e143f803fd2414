import { readFileSync } from 'node:fs';

import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'vitest';

const directory = new URL('../../../docs/json/v1/', import.meta.url);
const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true });

/** Parses what a command printed, and checks it by the document of `docs/json`, in which every key must stand. */
export function expectJson(name: string, text: string): Record<string, unknown> {
  const value = JSON.parse(text) as Record<string, unknown>;
  const schema = JSON.parse(
    readFileSync(new URL(`${name}.schema.json`, directory), 'utf8'),
  ) as object;
  const validate = ajv.compile({ ...(closed(schema) as object), $id: `${name}-${Math.random()}` });
  expect(validate(value) ? [] : validate.errors).toEqual([]);
  return value;
}

/** Readers pass over keys that they don't know; here they are a mistake. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, closed(value)]),
  );
  const isOpen = !('properties' in schema) || 'additionalProperties' in schema;
  return isOpen ? inner : { ...inner, additionalProperties: false };
}
