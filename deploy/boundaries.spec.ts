import { ESLint } from 'eslint';
import { dirname, join } from 'node:path';
import tseslint from 'typescript-eslint';
import { beforeAll, describe, expect, it } from 'vitest';

/**
 * Each rule about who may use what is proved by code that breaks it. The code exists in memory only, under the name of a
 * file that could be there. Rules that need types are off: they cannot see a file that is not on disk.
 */

const root = dirname(import.meta.dirname);
const modules = '@nx/enforce-module-boundaries';
const inKernel = 'libs/event-sourcing/src/violation.ts';
const inDomain = 'libs/domain/rollout/src/violation.ts';

let eslint: ESLint;

beforeAll(() => {
  eslint = new ESLint({
    cwd: root,
    overrideConfig: [
      tseslint.configs.disableTypeChecked,
      { languageOptions: { parserOptions: { projectService: false } } },
    ],
  });
}, 60_000);

async function lint(file: string, code: string): Promise<{ rule: string | null; message: string }[]> {
  const results = await eslint.lintText(code, { filePath: join(root, file) });
  return results
    .flatMap(({ messages }) => messages)
    .map(({ ruleId, message }) => ({ rule: ruleId, message }))
    .filter(({ rule }) => rule === null || rule === modules || rule.startsWith('no-restricted-'));
}

function importOf(name: string): string {
  return `import '${name}';\n`;
}

describe('importing projects', () => {
  it.each([
    ['kernel', inKernel, '@sluice/contracts/errors'],
    ['kernel', 'libs/event-feed/src/violation.ts', '@sluice/contracts/errors'],
    ['domain', inDomain, '@sluice/contracts/errors'],
    ['domain', inDomain, '@sluice/domain-catalog'],
    ['contract', 'libs/contracts/src/violation.ts', '@sluice/event-sourcing'],
    ['adapter', 'libs/event-store-sqlite/src/violation.ts', '@sluice/platform'],
    ['adapter', 'libs/event-store-sqlite/src/violation.ts', '@sluice/event-feed-http'],
    ['platform', 'libs/platform/src/violation.ts', '@sluice/domain-catalog'],
    ['api', 'libs/api/src/violation.ts', '@sluice/domain-catalog'],
    ['api', 'libs/api/src/violation.ts', '@sluice/event-sourcing'],
    ['api-client', 'libs/api-client/src/violation.ts', '@sluice/api'],
    ['domain', inDomain, '@sluice/api'],
    ['service', 'libs/services/catalog/src/violation.ts', '@sluice/event-store-sqlite'],
    ['service', 'libs/services/catalog/src/violation.ts', '@sluice/service-telemetry'],
    ['simulation', 'libs/simulation/src/violation.ts', '@sluice/platform'],
    ['composition', 'libs/composition/src/violation.ts', '@sluice/service-catalog'],
    ['cluster', 'apps/cluster/src/violation.ts', '@sluice/event-feed-kafka'],
    ['benchmark', 'apps/bench/src/violation.ts', '@sluice/testing'],
    ['app', 'apps/catalog/src/violation.ts', '@sluice/event-store-sqlite'],
    ['app', 'apps/catalog/src/violation.ts', '@sluice/domain-catalog'],
    ['app', 'apps/catalog/src/violation.ts', '@sluice/simulation'],
    ['cohorts', 'libs/domain/cohorts/src/violation.ts', '@sluice/event-sourcing'],
    ['standalone', 'apps/standalone/src/violation.ts', '@sluice/domain-catalog'],
    ['client', 'apps/cli/src/violation.ts', '@sluice/platform'],
    ['client', 'apps/cli/src/violation.ts', '@sluice/api'],
    ['testing', 'libs/testing/src/violation.ts', '@sluice/contracts/errors'],
  ])('is refused when a %s file %s imports %s', async (kind, file, name) => {
    const message = `A project tagged with "type:${kind}" can`;
    expect(await lint(file, importOf(name))).toContainEqual({
      rule: modules,
      message: expect.stringContaining(message),
    });
  });

  it.each([
    ['service', 'libs/services/catalog/src/violation.ts', 'catalog', '@sluice/domain-fleet'],
    ['app', 'apps/telemetry/src/violation.ts', 'telemetry', '@sluice/service-catalog'],
  ])('is refused when a %s file %s leaves the scope %s with %s', async (_kind, file, scope, name) => {
    expect(await lint(file, importOf(name))).toEqual([
      { rule: modules, message: expect.stringContaining(`A project tagged with "scope:${scope}" can`) },
    ]);
  });

  it.each([
    ['libs/domain/rollout/src/allowed.ts', '@sluice/event-sourcing'],
    ['libs/services/catalog/src/allowed.ts', '@sluice/domain-catalog'],
    ['libs/simulation/src/allowed.ts', '@sluice/domain-fleet'],
    ['libs/domain/fleet/src/allowed.ts', '@sluice/domain-cohorts'],
    ['apps/standalone/src/allowed.ts', '@sluice/service-telemetry'],
    ['apps/cli/src/allowed.ts', '@sluice/contracts/errors'],
    ['apps/cli/src/allowed.ts', '@sluice/api-client'],
    ['libs/simulation/src/allowed.ts', '@sluice/api-client'],
    ['libs/services/catalog/src/allowed.ts', '@sluice/api'],
  ])('is allowed when %s imports %s', async (file, name) => {
    expect(await lint(file, importOf(name))).toEqual([]);
  });

  it('is refused by a path that leaves the project', async () => {
    expect(await lint(inDomain, importOf('../../../event-sourcing/src/index.ts'))).toEqual([
      { rule: modules, message: expect.stringContaining('cannot be imported by a relative') },
    ]);
  });
});

describe('importing the testing library', () => {
  it.each([
    'libs/event-sourcing/src/a.ts',
    'libs/domain/fleet/src/a.ts',
    'libs/event-store-sqlite/src/a.ts',
    'libs/services/catalog/src/a.ts',
    'apps/cli/src/a.ts',
  ])('is refused in %s and allowed in a spec file beside it', async (file) => {
    expect(await lint(file, importOf('@sluice/testing'))).toEqual([
      { rule: modules, message: expect.stringMatching(/^A project tagged with "type:\w+" can/) },
    ]);
    expect(await lint(file, importOf('vitest'))).toEqual([
      { rule: modules, message: expect.stringContaining('is not allowed to import "vitest"') },
    ]);
    const spec = file.replace('.ts', '.spec.ts');
    expect(await lint(spec, importOf('@sluice/testing') + importOf('vitest') + importOf('node:fs'))).toEqual([]);
  });
});

describe('importing packages', () => {
  it.each([
    ['kernel', inKernel, 'typebox'],
    ['domain', inDomain, 'typebox'],
    ['domain', inDomain, '@nestjs/common'],
    ['contract', 'libs/contracts/src/violation.ts', 'class-validator'],
    ['adapter', 'libs/event-store-sqlite/src/violation.ts', 'eventsource-parser'],
    ['adapter', 'libs/event-feed-http/src/violation.ts', 'fastify'],
    ['platform', 'libs/platform/src/violation.ts', 'commander'],
    ['api', 'libs/api/src/violation.ts', '@nestjs/common'],
    ['api-client', 'libs/api-client/src/violation.ts', 'undici'],
    ['service', 'libs/services/catalog/src/violation.ts', 'fastify'],
    ['simulation', 'libs/simulation/src/violation.ts', 'fastify'],
    ['composition', 'libs/composition/src/violation.ts', 'kafkajs'],
    ['cluster', 'apps/cluster/src/violation.ts', 'kafkajs'],
    ['benchmark', 'apps/bench/src/violation.ts', 'commander'],
    ['app', 'apps/catalog/src/violation.ts', 'fastify'],
    ['standalone', 'apps/standalone/src/violation.ts', 'pure-rand'],
    ['client', 'apps/cli/src/violation.ts', '@nestjs/common'],
    ['testing', 'libs/testing/src/violation.ts', '@nestjs/common'],
  ])('is refused when a %s file %s imports %s', async (kind, file, name) => {
    expect(await lint(file, importOf(name))).toEqual([
      { rule: modules, message: `A project tagged with "type:${kind}" is not allowed to import "${name}"` },
    ]);
  });

  it.each([
    ['libs/contracts/src/allowed.ts', 'typebox'],
    ['libs/event-feed-http/src/allowed.ts', 'eventsource-parser/stream'],
    ['libs/event-feed-kafka/src/allowed.ts', 'kafkajs'],
    ['libs/platform/src/allowed.ts', 'prom-client'],
    ['libs/api/src/allowed.ts', 'class-validator'],
    ['libs/api-client/src/allowed.ts', 'openapi-fetch'],
    ['libs/services/catalog/src/allowed.ts', 'class-validator'],
    ['libs/simulation/src/allowed.ts', 'pure-rand'],
  ])('is allowed when %s imports %s', async (file, name) => {
    expect(await lint(file, importOf(name))).toEqual([]);
  });
});

describe('reaching outside from kernel and domain', () => {
  const violations: [code: string, rule: string][] = [
    [importOf('node:fs'), 'no-restricted-imports'],
    [importOf('fs'), 'no-restricted-imports'],
    ["await import('node:fs');", 'no-restricted-syntax'],
    ["export const fs: unknown = require('fs');", 'no-restricted-globals'],
    ['export const now = Date.now();', 'no-restricted-properties'],
    ['export const now = new Date();', 'no-restricted-syntax'],
    ['export const now = Date();', 'no-restricted-syntax'],
    ['export const now = Temporal.Now.instant();', 'no-restricted-properties'],
    ['export const now = performance.now();', 'no-restricted-globals'],
    ['export const random = Math.random();', 'no-restricted-properties'],
    ['export const id = crypto.randomUUID();', 'no-restricted-globals'],
    ['export const id = globalThis.crypto.randomUUID();', 'no-restricted-globals'],
    ['export const path = process.env.PATH;', 'no-restricted-globals'],
    ["console.log('seen');", 'no-restricted-globals'],
    ['setTimeout(() => undefined, 1);', 'no-restricted-globals'],
    ['setInterval(() => undefined, 1);', 'no-restricted-globals'],
    ['setImmediate(() => undefined);', 'no-restricted-globals'],
    ['export const signal = AbortSignal.timeout(1);', 'no-restricted-properties'],
    ["await fetch('https://example.org');", 'no-restricted-globals'],
  ];

  it.each(violations)('is refused: %s', async (code, rule) => {
    for (const file of [inKernel, inDomain, 'libs/event-feed/src/violation.ts']) {
      expect((await lint(file, code)).map((each) => each.rule)).toEqual([rule]);
    }
  });

  it('is allowed outside of them, and in their spec files', async () => {
    const code = `${importOf('node:fs')}export const now = Date.now();`;
    expect(await lint('libs/platform/src/allowed.ts', code)).toEqual([]);
    expect(await lint('libs/domain/rollout/src/allowed.spec.ts', code)).toEqual([]);
  });

  it('is not confused with reading a given time', async () => {
    expect(await lint(inDomain, "export const given = new Date(0).getTime() + Date.parse('2026-11-24');")).toEqual([]);
  });
});
