/** A device agent for Sluice: asks what to do, does it, tells what happened. docs/guides/connect-devices.md explains it. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

/** Makes the device known, then takes turns until the process ends. */
export async function run(agent) {
  await report(agent, 'status');
  for (;;) await sleep(1000 * (await turn(agent)));
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
  await report(agent, `${action}-started`, order);
  // A replacement goes onto the base: what was recalled has fallen when it is there.
  const fallen = order.patchIds ?? (order.reason === 'recalled' ? device.installed : []);
  const failure = await system[action](order).then((changed) => void Object.assign(device, changed), String);
  // After three failed attempts Sluice does not ask for a fourth.
  if (failure !== undefined) {
    const before = device.failed.filter(({ patchId }) => patchId === order.patchId).length;
    if (action === 'install') device.failed.push({ patchId: order.patchId, attempts: before + 1 });
    else (agent.failedRemovals ??= []).push({ patchId: order.patchId, at: Date.now() });
    return report(agent, `${action}-failed`, { ...order, detail: failure });
  }
  for (const patchId of fallen) await report(agent, 'rolled-back', { patchId, cause: 'recall' });
  if (action === 'install') await report(agent, 'installed', order);
}

/** Removals that failed within a day, as a check-in says them: after the third Sluice lets a person look. */
function failedToday({ failedRemovals = [] }) {
  const attempts = new Map();
  for (const { patchId, at } of failedRemovals)
    if (at > Date.now() - 86_400_000) attempts.set(patchId, (attempts.get(patchId) ?? 0) + 1);
  return [...attempts].map(([patchId, times]) => ({ patchId, attempts: times }));
}

/** Tells what happened. A report that has to be sent again keeps its id, and is counted once. */
export async function report(agent, kind, { patchId, rolloutId, cause, detail } = {}) {
  const { deviceId, platform, model, osVersion, osBuild, track, ring, region } = agent.device;
  const who = { deviceId, platform, model, osVersion, osBuild, track, ring, region };
  const time = new Date().toISOString();
  const what = { reportId: randomUUID(), kind, occurredAt: time, patchId, rolloutId, cause, detail };
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
