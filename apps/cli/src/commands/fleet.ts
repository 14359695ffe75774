import {
  bodyOf,
  type DeviceFact,
  type DevicePatch,
  type DeviceView,
  enums,
  type FleetSeries,
  type FleetView,
  given,
  type operations,
} from '@sluice/api-client';
import { type Command, Option } from 'commander';
import { bar, clean, facts, type Paint, table, time } from '../output.ts';
import { type OpenSession, toCount, toLimit, toTime } from '../session.ts';

type Filter = Omit<NonNullable<operations['listDevices']['parameters']['query']>, 'limit' | 'cursor' | 'patchId' | 'q'>;

interface ListOptions extends Filter {
  readonly limit: number;
  readonly patch?: string;
  readonly id?: string;
}

export function addFleetCommands(program: Command, open: OpenSession): void {
  program
    .command('fleet')
    .description('count the fleet, now or as of an instant')
    .option('--at <time>', 'as of this instant (RFC 3339)', toTime)
    .addHelpText('after', '\nExample:\n  $ sluice fleet --at 2026-11-24T10:00:00Z')
    .action(async ({ at }: { at?: string }) => {
      const { api, output } = open();
      const query = given({ at });
      output.answer(await bodyOf(api.of('telemetry').GET('/v1/fleet', { params: { query } })), fleetText);
    });
  addAdoptionCommand(program, open);
  const device = program.command('device').description('look at single devices');
  addListCommand(device, open);
  addTimelineCommand(device, open);
  device
    .command('show <device>')
    .description('show one device, now or as of an instant')
    .option('--at <time>', 'as of this instant (RFC 3339)', toTime)
    .addHelpText('after', '\nExample:\n  $ sluice device show d-1')
    .action(async (id: string, { at }: { at?: string }) => {
      const { api, output } = open();
      const params = { path: { id }, query: given({ at }) };
      output.answer(await bodyOf(api.of('telemetry').GET('/v1/devices/{id}', { params })), deviceText);
    });
  device
    .command('retire <device>')
    .description('say that a device is gone, so that nothing waits for it')
    .addHelpText('after', '\nExample:\n  $ sluice device retire d-1')
    .action(async (id: string) => {
      const { api, output } = open();
      const retiring = api.of('telemetry').POST('/v1/devices/{id}/retire', { params: { path: { id } } });
      output.answer(await bodyOf(retiring), () => `${id} is retired.`);
    });
}

function addAdoptionCommand(program: Command, open: OpenSession): void {
  program
    .command('adoption <patch>')
    .description('show how a patch came into the fleet, and out of it, over time')
    .option('--from <time>', 'from this instant on (RFC 3339)', toTime)
    .option('--to <time>', 'up to this instant (RFC 3339)', toTime)
    .option('--points <count>', 'at most so many points, 2 to 1000', toCount, 24)
    .addHelpText('after', '\nExample:\n  $ sluice adoption ios-26.3.1-a')
    .action(async (patchId: string, span: { from?: string; to?: string; points: number }) => {
      const { api, output } = open();
      const query = { patchId, ...given(span) };
      output.answer(await bodyOf(api.of('telemetry').GET('/v1/fleet/series', { params: { query } })), seriesText);
    });
}

function addTimelineCommand(device: Command, open: OpenSession): void {
  device
    .command('timeline <device>')
    .description('list what was heard of a device, the newest first')
    .option('--from <time>', 'recorded from this instant on (RFC 3339)', toTime)
    .option('--to <time>', 'recorded up to this instant (RFC 3339)', toTime)
    .option('--limit <count>', 'at most so many', toLimit, 100)
    .addHelpText('after', '\nExample:\n  $ sluice device timeline d-1 --from 2026-11-24T10:00:00Z')
    .action(async (id: string, { limit, ...span }: { from?: string; to?: string; limit: number }) => {
      const { api, output } = open();
      const page = await api.list(limit, (each) => {
        const params = { path: { id }, query: given({ ...span, ...each }) };
        return bodyOf(api.of('telemetry').GET('/v1/devices/{id}/timeline', { params }));
      });
      output.answer(page, ({ items }, paint) => (items.length === 0 ? 'Nothing.' : factTable(items, paint)));
      if (page.nextCursor !== undefined) output.note('There are more; ask for them with --limit, or --to.');
    });
}

function addListCommand(device: Command, open: OpenSession): void {
  device
    .command('list')
    .description('list devices')
    .option('--patch <patch>', 'with something reported of this patch')
    .addOption(new Option('--state <state>', 'with a patch (or this one) in this state').choices(enums.PatchState))
    .addOption(new Option('--platform <platform>', 'of this platform only').choices(enums.Platform))
    .option('--base <build>', 'on this base build only')
    .addOption(new Option('--flag <flag>', 'of which this is odd').choices(enums.DeviceFlag))
    .option('--model <model>', 'of this model only')
    .addOption(new Option('--track <track>', 'on this track only').choices(enums.Track))
    .option('--ring <ring>', 'in this ring only')
    .option('--region <region>', 'in this region only')
    .option('--silent-since <time>', 'not heard of since then (RFC 3339)', toTime)
    .option('--failed-removals <count>', 'that failed at least so often to remove a patch, or this one', toCount)
    .option('--id <prefix>', 'whose id begins so')
    .option('--limit <count>', 'at most so many', toLimit, 100)
    .addHelpText('after', '\nExample:\n  $ sluice device list --patch ios-26.3.1-a --state installed')
    .action(async ({ limit, patch: patchId, id: q, ...filter }: ListOptions) => {
      const { api, output } = open();
      const page = await api.list(limit, (each) => {
        const query = given({ patchId, q, ...filter, ...each });
        return bodyOf(api.of('telemetry').GET('/v1/devices', { params: { query } }));
      });
      output.answer(page, ({ items }, paint) => (items.length === 0 ? 'No devices.' : deviceTable(items, paint)));
      const all = typeof page.total === 'number' ? ` (${String(page.total)} in all)` : '';
      if (page.nextCursor !== undefined) output.note(`There are more${all}; ask for them with --limit.`);
    });
}

function fleetText(fleet: FleetView, paint: Paint): string {
  const head = facts(
    [
      ['as of', `${time(fleet.asOf)} (position ${fleet.position})`],
      ['devices', fleet.devices],
      ['facts', fleet.facts],
      ['platforms', counts(fleet.byPlatform)],
      ['bases', counts(fleet.byBase)],
    ],
    paint,
  );
  const patches = Object.entries(fleet.patches);
  if (patches.length === 0) return head;
  const body = table(
    patches,
    [
      { head: 'PATCH', text: ([patchId]) => patchId },
      { head: 'INSTALLED', align: 'right', text: ([, { installed }]) => installed },
      { head: 'FAILED', align: 'right', text: ([, { failed }]) => failed },
      { head: 'ROLLED BACK', align: 'right', text: ([, { rolledBack }]) => rolledBack },
    ],
    paint,
  );
  return `${head}\n\n${body}`;
}

const BAR_CHARACTERS = 30;

function seriesText({ patchId, points }: FleetSeries, paint: Paint): string {
  if (points === null) return `Nothing has been counted of ${patchId} yet.`;
  if (points.length === 0) return 'Nothing was counted in that time.';
  const most = Math.max(1, ...points.map(({ holders }) => holders));
  return table(
    points,
    [
      { head: 'TIME', text: ({ at }) => time(at) },
      { head: 'HOLDERS', align: 'right', text: ({ holders }) => holders },
      { head: '', text: ({ holders }) => bar(holders / most, BAR_CHARACTERS).full },
      { head: 'BEGUN', align: 'right', text: ({ started }) => started },
      { head: 'FAILED', align: 'right', text: ({ failed }) => failed },
      { head: 'REMOVED', align: 'right', text: ({ removed }) => removed },
    ],
    paint,
  );
}

function factTable(items: readonly DeviceFact[], paint: Paint): string {
  return table(
    items,
    [
      { head: 'RECORDED', text: ({ recordedAt }) => time(recordedAt) },
      { head: 'HAPPENED', text: ({ occurredAt }) => time(occurredAt) },
      { head: 'WHAT', text: ({ kind }) => kind },
      { head: 'PATCH', text: ({ patchId }) => patchId },
      {
        head: 'VERSION',
        text: ({ osVersion, osBuild }) => (osBuild === undefined ? '' : `${osVersion ?? ''} (${osBuild})`),
      },
      { head: 'WHY', text: ({ cause, signal, failureCode, detail }) => whyText([cause, signal, failureCode, detail]) },
    ],
    paint,
  );
}

function whyText(parts: readonly (string | undefined)[]): string {
  return parts
    .filter((part) => part !== undefined)
    .map((part) => clean(part))
    .join(', ');
}

function deviceTable(devices: readonly DeviceView[], paint: Paint): string {
  return table(
    devices,
    [
      { head: 'DEVICE', text: ({ deviceId }) => deviceId },
      { head: 'PLATFORM', text: ({ platform }) => platform },
      { head: 'MODEL', text: ({ model }) => model },
      { head: 'VERSION', text: ({ osVersion, osBuild }) => `${osVersion} (${osBuild})` },
      { head: 'BASE', text: ({ base }) => base },
      { head: 'TRACK', text: ({ track }) => track },
      { head: 'LAST REPORT', text: ({ lastReportAt }) => time(lastReportAt) },
      { head: 'PATCHES', text: ({ patches }) => stateTexts(patches).join(', ') },
    ],
    paint,
  );
}

function deviceText(device: DeviceView, paint: Paint): string {
  return facts(
    [
      ['device', device.deviceId],
      ['model', `${device.model} (${device.platform})`],
      ['version', `${device.osVersion} (${device.osBuild}), base ${device.base}`],
      ['track', device.track],
      ['ring', device.ring],
      ['region', device.region],
      ['last report', time(device.lastReportAt)],
      ['retired', time(device.retiredAt)],
      ['odd', device.flags?.join(', ')],
      ...Object.entries(device.patches).map(([id, patch]) => [id, patchText(patch)] as const),
    ],
    paint,
  );
}

/** As in: installed (by its build) at …, 2 failed installs (verification-failed). */
function patchText({ state, at, by, failureCode, failedInstalls = 0, failedRemovals = 0 }: DevicePatch): string {
  const why = by === undefined ? '' : by === 'build' ? ' (by its build)' : ' (it says so, and has yet to restart)';
  const failures = [
    ...(failedInstalls > 0 ? [`${String(failedInstalls)} failed installs`] : []),
    ...(failedRemovals > 0 ? [`${String(failedRemovals)} failed removals`] : []),
  ].join(', ');
  const code = failureCode === null ? '' : ` (${clean(failureCode)})`;
  return `${state}${why} at ${time(at)}${failures === '' ? '' : `, ${failures}${code}`}`;
}

function stateTexts(patches: DeviceView['patches']): string[] {
  return Object.entries(patches).map(([patchId, { state }]) => `${patchId} ${state}`);
}

function counts(of: Readonly<Record<string, number>>): string {
  return Object.entries(of)
    .sort(([, left], [, right]) => right - left)
    .map(([name, count]) => `${name} ${String(count)}`)
    .join(', ');
}
