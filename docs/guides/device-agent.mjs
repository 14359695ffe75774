/** A device agent for Sluice: asks what to do, does it, tells what happened. docs/guides/connect-devices.md explains it. */
import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

const DAY = 86_400_000;
/** They say nothing of the patch: no attempts, and the device goes on trying. */
const infrastructure = ['no-network', 'download-timeout', 'download-failed', 'server-unavailable'];

/** Makes the device known, then takes turns until the process ends, and tells its status once a day. */
export async function run(agent) {
  await report(agent, 'status');
  for (let day = dayOf(agent); ;) {
    await sleep(1000 * (await turn(agent)));
    if (dayOf(agent) === day) continue;
    day = dayOf(agent);
    await report(agent, 'status');
  }
}

/** Days change at a time of the device's own, which neither an install nor a restart moves. */
function dayOf({ device }) {
  const phase = createHash('sha256').update(device.deviceId).digest().readUInt32BE() / 2 ** 32;
  return Math.floor(Date.now() / DAY - phase);
}

/** Asks once, and does at once what the answer says. Returns the seconds until the next turn. */
export async function turn(agent) {
  agent.device.removeFailed = failedToday(agent);
  const order = await post(agent, '/v1/check-in', agent.device);
  const isAccepted = order.directive === 'offer' && (await agent.system.askUser(order));
  if (order.directive === 'install' || isAccepted) await carryOut(agent, order, 'install');
  if (order.directive === 'remove') await carryOut(agent, order, 'remove');
  return order.nextCheckInSeconds;
}

async function carryOut(agent, order, action) {
  const { device, system } = agent;
  // A replacement goes onto the base: what was recalled has fallen when it is there.
  const fallen = order.patchIds ?? (order.reason === 'recalled' ? device.installed : []);
  // The start is told when the device begins to apply the patch: what was fetched until then is nobody's harm.
  let failure = action === 'install' ? await failureOf(async () => system.download?.(order)) : undefined;
  if (failure === undefined) {
    await report(agent, `${action}-started`, order);
    failure = await failureOf(async () => Object.assign(device, await system[action](order)));
  }
  // After three failed attempts Sluice does not ask for a fourth.
  if (failure !== undefined) {
    const failureCode = failure.code;
    const about = { ...order, failureCode, detail: String(failure) };
    if (infrastructure.includes(failureCode)) return report(agent, `${action}-failed`, about);
    const before = device.failed.filter(({ patchId }) => patchId === order.patchId).length;
    if (action === 'install') device.failed.push({ patchId: order.patchId, attempts: before + 1 });
    else (agent.failedRemovals ??= []).push({ patchId: order.patchId, at: Date.now() });
    return report(agent, `${action}-failed`, about);
  }
  for (const patchId of fallen) await report(agent, 'rolled-back', { patchId, cause: 'recall' });
  if (action === 'install') await report(agent, 'installed', order);
}

/** What went wrong with a piece of work, or undefined. */
function failureOf(work) {
  return work().then(
    () => undefined,
    (error) => error ?? 'failed',
  );
}

/** Removals that failed within a day, as a check-in says them: after the third Sluice lets a person look. */
function failedToday({ failedRemovals = [] }) {
  const attempts = new Map();
  for (const { patchId, at } of failedRemovals)
    if (at > Date.now() - DAY) attempts.set(patchId, (attempts.get(patchId) ?? 0) + 1);
  return [...attempts].map(([patchId, times]) => ({ patchId, attempts: times }));
}

/** Tells what happened. A report that has to be sent again keeps its id, and is counted once. */
export async function report(agent, kind, { patchId, rolloutId, cause, failureCode, detail } = {}) {
  const { deviceId, platform, model, osVersion, osBuild, track, ring, region } = agent.device;
  const who = { deviceId, platform, model, osVersion, osBuild, track, ring, region };
  const time = new Date().toISOString();
  const what = { reportId: randomUUID(), kind, occurredAt: time, patchId, rolloutId, cause, failureCode, detail };
  const telemetry = { ...agent, url: agent.reportsUrl ?? agent.url };
  const { refused } = await post(telemetry, '/v1/reports', { reports: [{ ...who, ...what }] });
  for (const { code, detail } of refused) console.error(`${kind} was refused: ${code}, ${detail}`);
}

async function post(agent, path, body) {
  const headers = { authorization: `Bearer ${agent.token}`, 'content-type': 'application/json' };
  const request = { method: 'POST', headers, body: JSON.stringify(body) };
  const response = await fetch(agent.url + path, request).catch(() => undefined);
  if (response?.ok) return response.json();
  if (response?.status < 500) throw new Error(await response.text());
  return sleep(5000).then(() => post(agent, path, body));
}
