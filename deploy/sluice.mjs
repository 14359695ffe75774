#!/usr/bin/env node
/** The `sluice` command of this repository: `npx sluice …`. */
process.argv.splice(2, 0, 'cli');
await import('./launch.mjs');
