/**
 * Everything that must hold before a change lands: `npm run verify [-- --no-tests] [-- --skip-nx-cache]`.
 * All checks run, also after one has failed, and the end lists which those were. Nx takes the result of a check from its
 * cache when nothing that the check reads has changed; nx.json and deploy/project.json say what each of them reads.
 */
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);
const checks = ['format', 'lint', 'types', 'unused', 'build'];
// Also checks that every project has its tags, and that each boundary rule fires.
const tests = ['test', 'integration'];
// The boundary rule passes everything when it has no project graph; that must not look like success.
const FORBIDDEN = 'No cached ProjectGraph';

const targets = process.argv.includes('--no-tests') ? checks : [...checks, ...tests];
const parameters = ['run-many', '--targets', targets.join(','), '--nxBail=false'];
if (process.argv.includes('--skip-nx-cache')) parameters.push('--skip-nx-cache');

// Here, nothing is made again: a result that changes files has no place in the cache.
delete process.env.UPDATE_DOCS;
const nx = spawn(process.execPath, [join(root, 'node_modules/nx/dist/bin/nx.js'), ...parameters], {
  cwd: root,
  stdio: ['ignore', 'pipe', 'inherit'],
  env: { ...process.env, NX_DAEMON: 'false', NX_NO_CLOUD: 'true', NX_TUI: 'false' },
});
let output = '';
nx.stdout.setEncoding('utf8').on('data', (text) => {
  process.stdout.write(text);
  output += text;
});
nx.on('error', (error) => process.stderr.write(`${error.message}\n`));
nx.on('close', (code) => {
  const failed = code !== 0 || output.includes(FORBIDDEN);
  process.stdout.write(failed ? 'verify: failed\n' : 'verify: all passed\n');
  process.exitCode = failed ? 1 : 0;
});
