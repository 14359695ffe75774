import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@hey-api/openapi-ts';
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';
import { clientTypes, openApiDocument } from './open-api.ts';

/** The operations of these say nothing of their answers yet. */

const clientFile = join(import.meta.dirname, '..', 'libs', 'api-client', 'src', 'generated.ts');

type Json = Readonly<Record<string, unknown>>;

const document = await openApiDocument();
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({
    name: `${method.toUpperCase()} ${path}`,
    path,
    method,
    operation,
  })),
);

function responsesOf(operation: Json): [string, Json][] {
  return Object.entries(operation['responses'] as Record<string, Json>);
}

function namesOf(found: readonly { readonly name: string }[]): string[] {
  return found.map(({ name }) => name);
}

describe('describing the HTTP contract', () => {
  it('is OpenAPI 3.1', async () => {
    expect(document.openapi).toBe('3.1.0');
    const validator = new Validator();
    expect(await validator.validate({ ...document })).toEqual({ valid: true });
    expect(await validator.validate({ ...document, paths: [] })).toMatchObject({ valid: false });
  });

  it('knows every operation, and each has its own id that begins with a verb', () => {
    expect(operations.length).toBeGreaterThan(45);
    const ids = operations.map(({ operation }) => String(operation['operationId']));
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => !/^[a-z]+[A-Z][A-Za-z]+$/.test(id))).toEqual([]);
    expect(namesOf(operations.filter(({ operation }) => operation['summary'] === undefined))).toEqual([]);
  });

  it('has a schema of every success', () => {
    const without = operations.filter(({ operation }) =>
      responsesOf(operation).some(
        ([status, { content }]) => status.startsWith('2') && status !== '204' && content === undefined,
      ),
    );
    expect(namesOf(without)).toEqual([]);
    for (const { name, operation } of operations) {
      expect(
        responsesOf(operation).some(([status]) => status.startsWith('2')),
        name,
      ).toBe(true);
    }
  });

  it('has the problems of every operation, with the codes of each status', () => {
    for (const { name, operation } of operations) {
      const statuses = responsesOf(operation).map(([status]) => status);
      const isPublic = Array.isArray(operation['security']);
      expect(statuses, name).toEqual(
        expect.arrayContaining(['400', '500', '503', ...(isPublic ? [] : ['401', '403'])]),
      );
    }
    expect(document.paths['/v1/rollouts/{id}']?.put).toMatchObject({
      responses: {
        404: {
          content: {
            'application/problem+json': {
              schema: { allOf: [{}, { properties: { code: { enum: ['rollout-not-found'] } } }] },
            },
          },
        },
        412: {},
        428: {},
      },
    });
  });

  it('says who may call', () => {
    const closed = operations.filter(({ operation }) => operation['security'] === undefined);
    expect(namesOf(closed.filter(({ operation }) => !Array.isArray(operation['x-roles'])))).toEqual([]);
    expect(document.paths['/v1/patches/{id}/pull']?.post).toMatchObject({ 'x-roles': ['responder'] });
    expect(namesOf(operations.filter(({ operation }) => Array.isArray(operation['security'])))).toEqual([
      'GET /health/live',
      'GET /health/ready',
    ]);
  });

  it('shows Idempotency-Key on every command, and on nothing else', () => {
    const key = '#/components/parameters/IdempotencyKey';
    const withKey = operations.filter(({ operation }) => JSON.stringify(operation['parameters'] ?? []).includes(key));
    const isQuestion = ({ operation }: (typeof operations)[number]) => operation['operationId'] === 'explainCheckIn';
    const commands = operations.filter(
      (each) => each.method !== 'get' && !isOfDevices(each.operation) && !isQuestion(each),
    );
    expect(namesOf(withKey)).toEqual(namesOf(commands));
  });

  it('bounds every text and number of paths, queries and bodies', () => {
    const unbounded = operations.flatMap(({ name, operation }) =>
      ((operation['parameters'] ?? []) as Json[]).flatMap((parameter) =>
        '$ref' in parameter || isBounded(parameter['schema'] as Json) ? [] : [`${name} ${String(parameter['name'])}`],
      ),
    );
    expect(unbounded).toEqual([]);
    const asked = Object.entries(document.components.schemas as Record<string, Json>).filter(
      ([name, schema]) => name.endsWith('Body') && schema['additionalProperties'] === false,
    );
    expect(asked.length).toBeGreaterThan(10);
    const loose = asked.flatMap(([name, { properties }]) =>
      Object.entries(properties as Record<string, Json>).flatMap(([field, each]) =>
        isBounded(each) ? [] : [`${name}.${field}`],
      ),
    );
    expect(loose.filter((each) => !each.startsWith('CreateTokenBody.'))).toEqual([]);
  });

  it('is taken by openapi-typescript, and libs/api-client has what comes of it', async () => {
    const types = await clientTypes(document);
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(clientFile, types);
    expect(readFileSync(clientFile, 'utf8')).toBe(types);
  });

  it('is taken by @hey-api/openapi-ts', async () => {
    const output = mkdtempSync(join(tmpdir(), 'sluice-hey-api-'));
    try {
      await createClient({
        input: structuredClone(document) as never,
        output,
        logs: { level: 'silent' },
        plugins: ['@hey-api/typescript', '@hey-api/sdk'],
      });
      const sdk = readFileSync(join(output, 'sdk.gen.ts'), 'utf8');
      const missing = operations.filter(
        ({ operation }) => !sdk.includes(`export const ${String(operation['operationId'])} =`),
      );
      expect(namesOf(missing)).toEqual([]);
    } finally {
      rmSync(output, { recursive: true, force: true });
    }
  });
});

function isOfDevices(operation: Json): boolean {
  return JSON.stringify(operation['tags']) === '["devices"]';
}

function isBounded(schema: Json): boolean {
  if ('$ref' in schema || 'enum' in schema || schema['type'] === 'boolean') return true;
  if (schema['type'] === 'array') return 'maxItems' in schema && isBounded(schema['items'] as Json);
  if (schema['type'] === 'string') return 'pattern' in schema || 'maxLength' in schema;
  return 'maximum' in schema && ('minimum' in schema || 'exclusiveMinimum' in schema);
}
