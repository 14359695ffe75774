import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = dirname(import.meta.dirname);
const script = join(import.meta.dirname, 'cache-key.mjs');
const sources = globSync('{apps,libs,deploy}/**/*.{ts,mjs}', { cwd: root, exclude: (path) => path === 'node_modules' });
const read = (file: string) => readFileSync(join(root, file), 'utf8');

/** What is read and does not change what a check finds. */
const withoutEffect: ReadonlyMap<string, string> = new Map([
  ['PATH', 'the tools that it leads to are asked for their versions'],
  ['npm_execpath', 'where npm lies, which differs with each way to start the same check'],
  ['npm_lifecycle_event', 'which script npm was asked for'],
]);

/** Asked where images are made, whose ids are in the key (deploy/images); npm installs what the lock file says, which is, too. */
const toolsElsewhere = /^deploy\/(images\/|launch\.mjs)/;

/** The part of a file that says what it reads of the environment. */
function settingsRead(text: string): string[] {
  return [...text.matchAll(/\benv(?:\.([A-Za-z]\w*_?\w*)\b(?!\()|\['(\w+)'\])/g)].map(
    ([, one, other]) => one ?? other ?? '',
  );
}

function toolsAsked(text: string): string[] {
  return [...text.matchAll(/\b(?:spawn|spawnSync|execFile|execFileSync|run)\(\s*'([a-z][a-z.-]*)'/g)].map(
    ([, tool = '']) => tool,
  );
}

/** What is printed with these variables alone, and without any tool. */
function printed(env: Readonly<Record<string, string>>, ...flags: string[]): string[] {
  const { stdout } = spawnSync(process.execPath, [script, ...flags], { encoding: 'utf8', env: { PATH: '', ...env } });
  return stdout.split('\n');
}

describe('making the key of the cache', () => {
  it('has every setting that code and specs read', () => {
    const names = new Set(sources.flatMap((file) => settingsRead(read(file))));
    for (const name of ['BASE_IMAGE', 'OTEL_TRACES_EXPORTER', 'SLUICE_TEST_KAFKA', 'NO_COLOR'])
      expect(names).toContain(name);
    // What OpenTelemetry reads by itself.
    for (const name of ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_BSP_SCHEDULE_DELAY']) names.add(name);
    const wanted = [...names].filter((name) => !withoutEffect.has(name)).sort();
    const lines = printed(Object.fromEntries(wanted.map((name) => [name, 'set'])));
    expect(wanted.filter((name) => !lines.includes(`${name} set`))).toEqual([]);
  });

  it('has the version of every tool that code and specs ask', () => {
    const asking = sources.filter((file) => !toolsElsewhere.test(file) && read(file).includes("'node:child_process'"));
    const tools = new Set(asking.flatMap((file) => toolsAsked(read(file))));
    expect(tools).toContain('promtool');
    // By a variable: completion.spec.ts asks the shells, class-path.mjs and broker.mjs ask java.
    for (const tool of ['bash', 'zsh', 'fish', 'java', 'mvn']) tools.add(tool);
    // Those of POSIX are everywhere.
    for (const tool of ['sh', 'chmod']) tools.delete(tool);
    const lines = printed({}, '--tools');
    expect([...tools].filter((tool) => !lines.includes(`${tool} does not answer`))).toEqual([]);
  });

  it('is with the tools where unit tests ask for one', () => {
    const asking = sources.filter(
      (file) =>
        /^(apps|libs)\/.*(?<!\.(int|e2e))\.spec\.ts$/.test(file) && /\bspawnSync\((?!process\.)/.test(read(file)),
    );
    expect(asking).toContain('apps/cli/src/completion.spec.ts');
    for (const file of asking) {
      const project = read(join(file.slice(0, file.indexOf('/src/')), 'project.json'));
      expect(JSON.parse(project), file).toMatchObject({
        targets: { test: { inputs: expect.arrayContaining(['environmentAndTools']) as unknown } },
      });
    }
  });

  it('changes with who runs the check, for root may read everything', () => {
    expect(printed({})).toContain(`user ${String(process.getuid?.())}`);
  });
});
