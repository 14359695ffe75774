import { execFileSync } from 'node:child_process';
import { builtinModules } from 'node:module';
import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

// Without a project graph, @nx/enforce-module-boundaries prints a warning and passes everything. Making the graph here,
// and not in a script, keeps the rule awake however eslint is started; a graph that cannot be made stops the lint.
execFileSync(process.execPath, ['node_modules/nx/dist/bin/nx.js', 'show', 'projects'], {
  cwd: import.meta.dirname,
  env: { ...process.env, NX_DAEMON: 'false', NX_NO_CLOUD: 'true', NX_TUI: 'false' },
  stdio: ['ignore', 'ignore', 'inherit'],
});

const specs = ['**/*.spec.ts'];
const testTools = ['vitest', 'fast-check'];
const nest = ['@nestjs/*', 'rxjs', 'rxjs/*', 'reflect-metadata'];
const validation = ['class-validator', 'class-transformer'];

/** Which kind of project may import which kinds, and which npm packages: the table of docs/ARCHITECTURE.md. */
const kinds = {
  kernel: { imports: ['kernel'], packages: [] },
  cohorts: { imports: [], packages: [] },
  domain: { imports: ['kernel', 'cohorts'], packages: [] },
  contract: { imports: [], packages: ['typebox', 'typebox/*'] },
  adapter: { imports: ['kernel', 'contract'], packages: [] },
  platform: {
    imports: ['kernel', 'contract', 'api', 'trace-export'],
    packages: [
      ...nest,
      ...validation,
      'fastify',
      '@fastify/*',
      'light-my-request',
      'pino',
      'pino-http',
      'nestjs-pino',
      'prom-client',
      'standardwebhooks',
      '@opentelemetry/*',
    ],
  },
  service: {
    imports: ['kernel', 'contract', 'api', 'platform', 'domain', 'cohorts'],
    packages: [...nest, ...validation],
  },
  simulation: {
    imports: ['contract', 'api-client', 'domain', 'cohorts', 'kernel'],
    packages: ['pure-rand', 'pure-rand/*'],
  },
  composition: { imports: ['adapter', 'platform', 'kernel', 'contract'], packages: [] },
  app: { imports: ['composition', 'service', 'platform', 'kernel'], packages: nest },
  standalone: {
    imports: ['composition', 'service', 'adapter', 'platform', 'kernel', 'contract', 'simulation', 'api-client'],
    packages: [...nest, 'wrap-ansi'],
  },
  cluster: { imports: ['platform', 'simulation', 'api-client', 'kernel', 'contract'], packages: ['undici'] },
  benchmark: {
    imports: ['service', 'composition', 'adapter', 'platform', 'kernel', 'contract', 'domain', 'cohorts', 'simulation'],
    packages: ['@nestjs/*', 'fastify', 'autocannon', 'kafkajs', 'undici'],
  },
  api: { imports: ['contract'], packages: ['@nestjs/swagger', ...validation] },
  'api-client': { imports: ['contract'], packages: ['openapi-fetch'] },
  'trace-export': { imports: [], packages: ['@opentelemetry/*'] },
  client: { imports: ['contract', 'api-client', 'trace-export'], banned: ['@nestjs/*', ...testTools] },
  testing: {
    imports: ['kernel'],
    packages: [
      ...testTools,
      'ajv',
      'ajv/*',
      'testcontainers',
      'kafkajs',
      '@grpc/grpc-js',
      '@eventstore/db-client/**',
      'google-protobuf/**',
    ],
  },
};

/** An adapter imports one driver, its own. Those on what Node brings along have none. */
const drivers = {
  'libs/event-feed-http': ['eventsource-parser', 'eventsource-parser/*'],
  'libs/event-feed-kafka': ['kafkajs'],
  'libs/event-store-eventstoredb': ['@eventstore/db-client'],
};

/** A service and its app stay within their scope: another's domain is known by its public events only. */
const scopes = ['catalog', 'orchestrator', 'telemetry'];

/** The testing library speaks of the kernel, and the kernel's spec files use it; the kernel itself may not. */
const testedByTesting = [
  ['event-sourcing', 'testing'],
  ['event-feed', 'testing'],
];

function boundaries({ driver = [], spec = false } = {}) {
  const extraTags = spec ? ['type:testing'] : [];
  // A test that kills a process has to bundle that process first.
  const extraPackages = spec ? [...testTools, 'rolldown'] : [];
  const byKind = Object.entries(kinds).map(([kind, { imports, packages, banned }]) => ({
    sourceTag: `type:${kind}`,
    onlyDependOnLibsWithTags: [...imports.map((each) => `type:${each}`), ...extraTags],
    ...(packages && {
      allowedExternalImports: [...packages, ...(kind === 'adapter' ? driver : []), ...extraPackages],
    }),
    ...(banned && { bannedExternalImports: spec ? banned.filter((each) => !testTools.includes(each)) : banned }),
  }));
  const byScope = scopes.map((scope) => ({
    sourceTag: `scope:${scope}`,
    onlyDependOnLibsWithTags: [`scope:${scope}`, 'scope:shared'],
  }));
  return {
    '@nx/enforce-module-boundaries': [
      'error',
      { depConstraints: [...byKind, ...byScope], ignoredCircularDependencies: testedByTesting },
    ],
  };
}

/** Time, randomness and the outside world are inputs of kernel and domain, so that every decision can be repeated. */
const impureGlobals = [
  'crypto',
  'process',
  'console',
  'performance',
  'fetch',
  'navigator',
  'globalThis',
  'require',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'clearTimeout',
  'clearInterval',
  'clearImmediate',
];
const impureProperties = [
  { object: 'Date', property: 'now' },
  { object: 'Math', property: 'random' },
  { object: 'Temporal', property: 'Now' },
  { object: 'AbortSignal', property: 'timeout' },
];
const impureSyntax = [
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'Time is an input here.' },
  { selector: "CallExpression[callee.name='Date']", message: 'Time is an input here.' },
  { selector: 'ImportExpression', message: 'A dynamic import would get around the import rules.' },
];

export default tseslint.config(
  // The types of the client are made from the OpenAPI document.
  { ignores: ['**/node_modules/', '**/dist/', '.nx/', '.sluice/', 'coverage/', 'libs/api-client/src/generated.ts'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: false },
      ],
      // A Nest module is a class that has nothing but its decorator.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      // A port's method is async or a generator whether or not this adapter of it has something to wait for.
      '@typescript-eslint/require-await': 'off',
      // Bodies and options are plain objects by intent; classes only describe them to Nest.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/no-misused-spread': 'off',
      eqeqeq: 'error',
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 50, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['**/*.mjs'],
    rules: {
      eqeqeq: 'error',
      'no-unused-vars': 'error',
      'prefer-const': 'error',
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 50, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['{apps,libs}/**/*.ts'],
    ignores: specs,
    plugins: { '@nx': nx },
    rules: boundaries(),
  },
  ...Object.entries(drivers).map(([folder, driver]) => ({
    files: [`${folder}/**/*.ts`],
    ignores: specs,
    rules: boundaries({ driver }),
  })),
  {
    files: ['libs/{event-sourcing,event-feed,domain}/**/*.ts'],
    ignores: specs,
    rules: {
      'no-restricted-imports': ['error', { paths: builtinModules, patterns: ['node:*'] }],
      'no-restricted-globals': ['error', ...impureGlobals],
      'no-restricted-properties': ['error', ...impureProperties],
      'no-restricted-syntax': ['error', ...impureSyntax],
    },
  },
  {
    files: ['{apps,libs}/**/*.spec.ts'],
    plugins: { '@nx': nx },
    rules: boundaries({ spec: true, driver: Object.values(drivers).flat() }),
  },
  {
    // A suite is one long function, and a table of cases one long list. Suites of a port live in the testing library.
    files: [...specs, 'libs/testing/**/*.ts'],
    rules: {
      'max-lines': 'off',
      'max-lines-per-function': 'off',
      // Matchers such as expect.any() are typed as any; steps such as given() are taken out of their object.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
);
