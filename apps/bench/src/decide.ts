import { hash } from 'node:crypto';
import {
  type AskingDevice,
  decide,
  emptyPolicy,
  foldPolicy,
  type Policy,
  type PolicyEvent,
} from '@sluice/domain-rollout';
import { bucketOf } from '@sluice/service-orchestrator';
import { BASE_BUILD, MODELS, PATCH, PLAN } from './examples.ts';
import { coreSeconds, type Figure, inWords, median } from './figure.ts';

const DEVICES = 1024;
/** Patches of other bases, as a catalog has them: they must cost nothing. */
const OTHER_PATCHES = 50;
/** What a busy instance decides in a millisecond. */
const DECISIONS_PER_MS = 20;
const TARGET_PER_SECOND = 300_000;
const AT = '2026-11-24T08:00:00.000Z';
const SALT = 'benchmark';

/** Decisions a second on one core, for devices that get the patch, beside the hash alone in the same loop. */
export function measureDecide({ rounds, calls }: { readonly rounds: number; readonly calls: number }): Figure {
  const policy = examplePolicy();
  const devices = Array.from({ length: DEVICES }, (_, index) => exampleDevice(index));
  const startMs = Date.parse(AT) + 60_000;
  const hashing = (encoding: 'binary' | 'buffer') => (index: number) =>
    hash('sha256', `${SALT}\u001f${devices[index % DEVICES]?.deviceId ?? ''}`, encoding).length > 0;
  const loops = {
    deciding: (index: number) => {
      const device = devices[index % DEVICES];
      // Time goes on, as it does between real check-ins.
      const nowMs = startMs + Math.floor(index / DECISIONS_PER_MS);
      return device !== undefined && decide(device, policy, nowMs, bucketOf).directive === 'install';
    },
    hashing: hashing('binary'),
    hashingIntoBuffers: hashing('buffer'),
  };
  const rates = { deciding: [] as number[], hashing: [] as number[], hashingIntoBuffers: [] as number[] };
  // In turns, so that a machine that slows down slows all; the first round is for the compiler.
  for (let round = 0; round <= rounds; round += 1) {
    for (const loop of ['deciding', 'hashing', 'hashingIntoBuffers'] as const) {
      const rate = callsPerSecond(loops[loop], calls);
      if (round > 0) rates[loop].push(rate);
    }
  }
  const [value, hashes, peer] = [median(rates.deciding), median(rates.hashing), median(rates.hashingIntoBuffers)];
  return {
    what: 'decide(), one core, a patch that applies',
    value,
    unit: 'perSecond',
    target: TARGET_PER_SECOND,
    beyond: peer,
    beside: `SHA-256 alone: ${inWords(peer)}/s into a Buffer, ${inWords(hashes)}/s into a string, as decide() has it`,
    limitedBy: `hash ${inWords((value / hashes) * 100)} % of the time, then the directive's object and the text of its lease`,
  };
}

function callsPerSecond(call: (index: number) => boolean, calls: number): number {
  const seconds = coreSeconds(() => {
    for (let index = 0; index < calls; index += 1) if (!call(index)) throw new Error('a device did not get the patch');
  });
  return calls / seconds;
}

function examplePolicy(): Policy {
  const others = Array.from({ length: OTHER_PATCHES }, (_, index): PolicyEvent => ({
    ...PATCH,
    type: 'PatchPublished',
    patchId: `other-${String(index)}`,
    variants: [{ build: `22X${String(index)}a`, prerequisiteBuild: `22X${String(index)}`, models: MODELS }],
    at: AT,
  }));
  const { rolloutId, ...plan } = PLAN;
  const { patchId } = plan;
  const events: PolicyEvent[] = [
    ...others,
    { ...PATCH, type: 'PatchPublished', at: AT },
    { type: 'RolloutPlanned', rolloutId, plan: { ...plan, salt: SALT }, at: AT },
    { type: 'RolloutStarted', rolloutId, patchId, slices: MODELS.length, at: AT },
    { type: 'WaveOpened', rolloutId, wave: 1, at: AT },
  ];
  return events.reduce(foldPolicy, emptyPolicy());
}

function exampleDevice(index: number): AskingDevice {
  return {
    deviceId: `device-${String(index)}`,
    platform: 'ios',
    model: MODELS[index % MODELS.length] ?? '',
    osBuild: BASE_BUILD,
    track: 'automatic',
    installed: [],
  };
}
