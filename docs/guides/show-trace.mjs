// Prints one trace as a tree, from files that `--traces file:…` has written: node show-trace.mjs TRACE-ID FILE…
import { readFileSync } from 'node:fs';

const [id, ...files] = process.argv.slice(2);
const spans = files.flatMap((file) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => JSON.parse(line).resourceSpans)
    .flatMap(({ resource, scopeSpans }) => {
      const service = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue;
      return scopeSpans.flatMap(({ spans: some }) => some.map((span) => ({ ...span, service })));
    })
    .filter(({ traceId }) => traceId === id),
);
const ids = new Set(spans.map(({ spanId }) => spanId));
const start = Math.min(...spans.map(startOf));

for (const root of spans.filter(({ parentSpanId }) => !ids.has(parentSpanId))) print(root, '');

function print(span, indent) {
  const more = span.attributes
    .filter(({ key }) => key.startsWith('sluice.') || key.endsWith('status_code'))
    .map(({ key, value }) => `${key.split('.').at(-1)}=${Object.values(value)[0]}`);
  const tookMs = Number(span.endTimeUnixNano) / 1e6 - startOf(span);
  const at = `${(startOf(span) - start).toFixed(1)} ms`.padStart(11);
  console.log(
    `${at}  ${`${tookMs.toFixed(1)} ms`.padStart(9)}  ${span.service.padEnd(19)} ${indent}${span.name}  ${more.join(' ')}`,
  );
  const children = spans.filter(({ parentSpanId }) => parentSpanId === span.spanId);
  for (const child of children.sort((one, other) => startOf(one) - startOf(other))) print(child, `${indent}  `);
}

function startOf({ startTimeUnixNano }) {
  return Number(startTimeUnixNano) / 1e6;
}
