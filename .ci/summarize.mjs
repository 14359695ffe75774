/** Prints `N passed, N failed` from vitest's JSON report and the exit codes of checks and tests; fails unless all is well. */
import { existsSync, readFileSync } from 'node:fs';

const [report, checksCode, testsCode] = process.argv.slice(2);
const { testResults } = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : { testResults: [] };

const tests = testResults.flatMap((file) => file.assertionResults);
const passed = tests.filter((test) => test.status === 'passed').length;
const failedTests = tests.filter((test) => test.status === 'failed').length;
// A file that does not load has no tests of its own to fail.
const brokenFiles = testResults.filter(
  (file) => file.status === 'failed' && !file.assertionResults.some(hasFailed),
).length;
let failed = failedTests + brokenFiles + (checksCode === '0' ? 0 : 1);
// No report, no test run, or an exit code that nothing of the above explains: an error outside of any test.
if (passed + failedTests === 0 || (testsCode !== '0' && failedTests + brokenFiles === 0)) failed += 1;

process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

function hasFailed(test) {
  return test.status === 'failed';
}
