/**
 * Everything that must hold before a change lands, in two lanes side by side: `npm run verify [-- --no-tests]`.
 * All steps run, also after one has failed; what a failed step said is printed, and the end lists which those were.
 */
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);
const withTests = !process.argv.includes('--no-tests');

const lanes = [
  [
    { name: 'format', script: 'prettier/bin/prettier.cjs', args: ['--check', '.'], mend: 'npx prettier --write .' },
    // The boundary rule passes everything when it has no project graph; that must not look like success.
    { name: 'lint', script: 'eslint/bin/eslint.js', args: ['.'], forbidden: 'No cached ProjectGraph' },
  ],
  [
    { name: 'types', script: 'typescript/bin/tsc', args: ['-p', 'tsconfig.json'] },
    { name: 'unused code', script: 'knip/bin/knip.js', args: [] },
    { name: 'build', script: '../deploy/build.mjs', args: [] },
    // Also checks that every project has its tags, and that each boundary rule fires.
    ...(withTests ? [{ name: 'tests', script: 'vitest/vitest.mjs', args: ['run'] }] : []),
  ],
];

const results = (await Promise.all(lanes.map(runLane))).flat();
const failed = results.filter((result) => !result.passed);
for (const { name, seconds, passed } of results) say(`${passed ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
say(failed.length === 0 ? 'verify: all passed' : `verify: failed: ${failed.map(({ name }) => name).join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;

async function runLane(steps) {
  const done = [];
  for (const step of steps) done.push(await runStep(step));
  return done;
}

async function runStep({ name, script, args, forbidden, mend }) {
  const startedAt = performance.now();
  const { code, output } = await capture([join(root, 'node_modules', script), ...args]);
  const passed = code === 0 && !(forbidden !== undefined && output.includes(forbidden));
  if (!passed) say(`──── ${name} ────\n${output.trimEnd()}${mend === undefined ? '' : `\nTo mend it: ${mend}`}\n`);
  return { name, passed, seconds: ((performance.now() - startedAt) / 1000).toFixed(1) };
}

function capture(parameters) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, parameters, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    }
    child.on('error', (error) => resolve({ code: 1, output: error.message }));
    child.on('close', (code) => resolve({ code, output }));
  });
}

function say(text) {
  process.stdout.write(`${text}\n`);
}
