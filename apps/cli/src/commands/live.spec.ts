import { type ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CannedServer, problem, sluice, type World } from '../sluice.fixture.ts';

let server: CannedServer;
let url: string;

beforeEach(async () => {
  server = new CannedServer();
  url = await server.start();
});

afterEach(() => server.stop());

const call = (args: readonly string[], world: World = {}) => sluice(['--url', url, ...args], world);
const paths = () => server.requests.map(({ method, path }) => `${method} ${path}`);

const job = { id: 'j', status: 'running', startedAt: 'now', done: [], outOf: 2, differences: [] };

describe('verifying a replay', () => {
  beforeEach(() => {
    server.on('POST /v1/replays', { status: 202, body: job });
  });

  it('exits with 0 when all read models match', async () => {
    server.on(
      'GET /v1/replays/j',
      { body: job },
      { body: { ...job, status: 'done', done: ['patches', 'fleet'], matches: true } },
    );
    const ran = await call(['replay', 'verify']);
    expect(ran).toMatchObject({ exit: 0, stderr: '' });
    expect(ran.stdout).toBe('The replay matches. 2 read models are what the store says: patches, fleet.\n');
    expect(server.requests[0]?.body).toEqual({ verify: true });
  });

  it('exits with 1 and names the first difference when they differ', async () => {
    const differences = [{ readModel: 'fleet', where: '/devices', live: 3, replayed: 4 }];
    server.on('GET /v1/replays/j', { body: { ...job, status: 'done', done: ['fleet'], matches: false, differences } });
    const ran = await call(['replay', 'verify']);
    expect(ran.exit).toBe(1);
    expect(ran.stdout).toContain('First difference: fleet at /devices\n  live      3\n  replayed  4\n');
    const asJson = await call(['replay', 'verify', '--json']);
    expect(asJson).toMatchObject({ exit: 1, stderr: '' });
    expect(JSON.parse(asJson.stdout)).toMatchObject({ matches: false, differences, jobs: [{ url, id: 'j' }] });
  });

  it('exits with 4 when the job fails, and 3 when one is under way', async () => {
    server.on('GET /v1/replays/j', { body: { ...job, status: 'failed', error: 'disk' } });
    expect(await call(['replay', 'verify'])).toMatchObject({
      exit: 4,
      stderr: expect.stringContaining('(disk)') as string,
    });
    server.on('POST /v1/replays', problem('replay-running', 409));
    expect((await call(['replay', 'verify'])).exit).toBe(3);
  });

  it('asks every service that runs apart', async () => {
    const telemetry = new CannedServer().on('POST /v1/replays', {
      body: { ...job, status: 'done', done: ['fleet'], matches: false },
    });
    server.on('GET /v1/replays/j', { body: { ...job, status: 'done', done: ['patches'], matches: true } });
    const env = { SLUICE_URL: url, SLUICE_TELEMETRY_URL: await telemetry.start() };
    const ran = await sluice(['replay', 'verify', '--json'], { env });
    await telemetry.stop();
    expect(ran.exit).toBe(1);
    expect(JSON.parse(ran.stdout)).toMatchObject({ matches: false, jobs: [{ matches: true }, { matches: false }] });
  });

  it('shows that it is under way after two seconds, on standard error', async () => {
    const isShown = Promise.withResolvers<undefined>();
    const askedAtMs = performance.now();
    server.on('GET /v1/replays/j', (response: ServerResponse) => {
      const done = JSON.stringify({ ...job, status: 'done', done: ['fleet'], matches: true });
      void isShown.promise.then(() => response.end(done));
    });
    const ran = await call(['replay', 'verify'], { onStderr: () => isShown.resolve(undefined) });
    expect(performance.now() - askedAtMs).toBeGreaterThan(1_990);
    expect(ran.stderr).toBe(`replaying at ${url}: 0 of 2 read models done\n`);
    expect(ran.stdout).toContain('The replay matches.');
  });
});

describe('watching', () => {
  const recall = {
    patchId: 'p',
    status: 'running',
    recallEpoch: 1,
    devices: 10,
    removed: 4,
    remaining: 6,
    offline: 1,
    failing: 2,
    begun: 0,
    begunFailed: 0,
  };
  const over = { ...recall, status: 'completed', removed: 10, remaining: 0, p50Seconds: 90, p99Seconds: 7200 };

  it('prints a line of JSON for each change until the end', async () => {
    server.on('GET /v1/recalls/p', { body: recall }, { body: recall }, { body: over });
    const ran = await call(['recall', 'watch', 'p', '--json']);
    expect(ran).toMatchObject({ exit: 0, stderr: '' });
    expect(
      ran.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as object),
    ).toEqual([recall, over]);
  });

  it('redraws on a terminal', async () => {
    server.on('GET /v1/recalls/p', { body: recall }, { body: over });
    const { stdout } = await call(['recall', 'watch', 'p'], { isTty: true, env: { NO_COLOR: '1' } });
    expect(stdout).toContain('remaining  6, 1 not heard of for long, 2 failed to remove it\n\u001b[4A\u001b[0J');
    expect(stdout).toContain('took       half after 1 min 30 s, 99 % after 2 h');
    server.on('GET /v1/recalls/p', { body: recall }, { body: over });
    const narrow = await call(['recall', 'watch', 'p'], { isTty: true, columns: 20 });
    // Lines of 17, 32, 26 and 59 characters: one, two, two and three rows.
    expect(narrow.stdout).toContain('\u001b[8A\u001b[0J');
  });

  it('exits with 1 when the rollout is aborted, and goes on while the service restarts', async () => {
    const rollout = {
      rolloutId: 'r1',
      patchId: 'p',
      waves: [],
      holdBackPercent: 2,
      gates: { installFailureRateMax: 0.01 },
      status: 'running',
      ...{ waitsFor: [], exposurePercent: null, exposedDevices: null, plannedPercent: 0 },
    };
    server.on('GET /v1/rollouts/r1', { body: rollout }, problem('not-ready', 503), {
      body: { ...rollout, status: 'aborted' },
    });
    const ran = await call(['rollout', 'watch', 'r1']);
    expect(ran.exit).toBe(1);
    expect(ran.stderr).toBe('What it is. Trying again …\n');
  });

  it('ends without a failure at Ctrl-C, and with one when there is nothing to watch', async () => {
    const interrupt = new AbortController();
    server.on('GET /v1/recalls/p', { body: recall });
    const onStdout = () => {
      interrupt.abort();
    };
    expect((await call(['recall', 'watch', 'p'], { signal: interrupt.signal, onStdout })).exit).toBe(0);
    server.on('GET /v1/recalls/p', problem('recall-not-found', 404));
    expect((await call(['recall', 'watch', 'p'])).exit).toBe(3);
  });
});

describe('following events', () => {
  const event = (position: string, index: number, type = 'PatchPulled') => ({
    source: 'catalog',
    type,
    stream: 'patch-p',
    place: { revision: 3, index },
    position,
    time: '2026-11-24T10:00:00.000Z',
    actor: 'ann',
    data: { type, patchId: 'p', reason: 'boot loops', at: '2026-11-24T10:00:00.000Z' },
  });
  const frame = (name: string, data: object) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
  const feed =
    (...frames: readonly string[]) =>
    (response: ServerResponse) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(frames.join(''));
    };
  const breaking =
    (...frames: readonly string[]) =>
    (response: ServerResponse) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(frames.join(''), () => response.destroy());
    };
  const until = (lines: number) => {
    const interrupt = new AbortController();
    const onStdout = (text: string) => {
      if (text.split('\n').length > lines) interrupt.abort();
    };
    return { signal: interrupt.signal, onStdout };
  };

  it('begins with what happens now and ends with 0 at Ctrl-C', async () => {
    server.on('GET /v1/feed', feed(frame('progress', { position: '7' }), frame('event', event('8', 0))));
    const ran = await call(['events', 'tail', '--topic', 'catalog'], until(1));
    expect(ran).toEqual({
      exit: 0,
      stderr: '',
      stdout: '2026-11-24 10:00:00Z  PatchPulled         p  reason="boot loops"  by ann\n',
    });
    expect(paths()).toEqual(['GET /v1/feed?topics=catalog&from=end']);
  });

  it('takes a broken line up again where it broke, in the middle of a commit too, and prints nothing twice', async () => {
    const all = [event('8', 0), event('9', 0), event('9', 1), event('10', 0)];
    server.on(
      'GET /v1/feed',
      breaking(frame('progress', { position: '7' }), ...all.slice(0, 2).map((each) => frame('event', each))),
      feed(...all.slice(1).map((each) => frame('event', each))),
    );
    const ran = await call(['events', 'tail', '--json'], until(4));
    expect(ran).toMatchObject({ exit: 0, stderr: '' });
    expect(
      ran.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as object),
    ).toEqual(all);
    expect(paths().map((path) => path.split('from=')[1])).toEqual(['end', '8']);
  });

  it('asks for what is wanted only, newest first', async () => {
    server.on('GET /v1/feed', { body: { events: [event('ab.9', 0), event('ab.3', 0)], next: 'ab.3', caughtUp: true } });
    const flags = ['--type', 'PatchPulled', '--patch', 'p', '--actor', 'ann', '--since', '2026-11-24T00:00:00Z'];
    const ran = await call(['events', 'list', '--topic', 'catalog', ...flags, '--newest', '--limit', '2', '--json']);
    expect(JSON.parse(ran.stdout)).toMatchObject({ items: [{ position: 'ab.9' }, { position: 'ab.3' }], next: 'ab.3' });
    expect(paths()).toEqual([
      'GET /v1/feed?topics=catalog&from=end&limit=2&types=PatchPulled&patchId=p&actor=ann&since=2026-11-24T00%3A00%3A00Z&order=newest',
    ]);
  });

  it('says why a line was ended, and goes on', async () => {
    const end = frame('end', { code: 'reader-too-slow', detail: 'nothing was taken' });
    server.on(
      'GET /v1/feed',
      breaking(frame('progress', { position: 'ab.7' }), end),
      feed(frame('event', event('ab.8', 0))),
    );
    const ran = await call(['events', 'tail', '--topic', 'catalog'], until(1));
    expect(ran).toMatchObject({ exit: 0, stderr: expect.stringContaining('ended the line: nothing was taken.') });
    expect(paths().map((path) => path.split('from=')[1])).toEqual(['end', 'ab.7']);
  });

  it('fails when it cannot begin', async () => {
    server.on('GET /v1/feed', problem('forbidden', 403));
    expect((await call(['events', 'tail'])).exit).toBe(5);
    const env = { SLUICE_URL: url, SLUICE_TELEMETRY_URL: 'http://127.0.0.1:1' };
    expect((await sluice(['events', 'tail', '--from', '5'], { env })).exit).toBe(2);
    expect((await sluice(['events', 'tail', '--topic', 'health'], { env })).exit).toBe(4);
  });

  it('leaves the events of tokens out, unless they are asked for', async () => {
    server.on('GET /v1/feed', { body: { events: [], next: '9', caughtUp: true } });
    await call(['events', 'list']);
    await call(['events', 'list', '--topic', 'access']);
    expect(paths().map((path) => /topics=([^&]*)/.exec(path)?.[1])).toEqual([
      'catalog%2Crollouts%2Cfleet%2Chealth',
      'access',
    ]);
  });

  it('lists page by page, and tells where it went on to', async () => {
    server.on(
      'GET /v1/feed',
      { body: { events: [event('1', 0), event('2', 0)], next: '2', caughtUp: false } },
      { body: { events: [event('3', 0)], next: '9', caughtUp: true } },
    );
    const ran = await call(['events', 'list', '--topic', 'catalog,rollouts', '--json']);
    expect(JSON.parse(ran.stdout)).toMatchObject({ items: [{}, {}, { position: '3' }], next: '9', caughtUp: true });
    expect(paths()).toEqual([
      'GET /v1/feed?topics=catalog%2Crollouts&from=0&limit=100',
      'GET /v1/feed?topics=catalog%2Crollouts&from=2&limit=98',
    ]);
  });
});
