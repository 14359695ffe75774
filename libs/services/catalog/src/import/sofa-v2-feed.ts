import { type Platform } from '@sluice/domain-cohorts';
import { type FieldFault, toPointerToken } from '@sluice/contracts/errors';

/** The parts of a SOFA v2 feed that Sluice uses, with the types that its schema promises. */
export interface SofaFeed {
  readonly platform: Platform;
  readonly improvements: readonly SofaImprovement[];
  /** Entries that cannot be read: they fall by themselves. */
  readonly unreadable: readonly UnreadableRow[];
  /** Board id → model, of the `Devices` that have a `DeviceID`. */
  readonly models: ReadonlyMap<string, string>;
  /** CVEs that the file says are exploited, in whichever full release it says so. */
  readonly exploited: ReadonlySet<string>;
  /** How many full releases are listed. */
  readonly fullReleases: number;
}

/** An entry of `BackgroundSecurityImprovements`; null and absent are the same. */
export interface SofaImprovement {
  readonly pointer: string;
  readonly version: string;
  readonly versionExtra: string | undefined;
  readonly build: string;
  readonly prerequisiteBuild: string | undefined;
  readonly devices: readonly string[];
  readonly cves: readonly string[];
  readonly securityInfo: string | undefined;
  readonly supersededBy: { readonly version: string; readonly build: string } | undefined;
}

/** `reason`: `unknown-form` when it has none of the fields that an entry has, as if the file were of another format. */
export interface UnreadableRow {
  readonly pointer: string;
  readonly reason: 'unreadable' | 'unknown-form';
  readonly detail: string;
}

/** A file that is refused as a whole, with everything that is wrong with it. */
export interface UnreadableFile {
  readonly kind: 'unreadable';
  readonly code: 'malformed-json' | 'invalid-request' | 'nothing-to-import';
  readonly faults: readonly FieldFault[];
}

/** Real files have up to three; one that has more is no feed. */
const IMPROVEMENTS_MAX = 1000;
const FIELDS_OF_ROW = ['Version', 'VersionExtra', 'Build', 'PrerequisiteBuild', 'SupportedDevices'];
const FAULTS_OF_ROW_MAX = 5;
/** Faults beyond this say nothing new. */
const FAULTS_MAX = 100;

const platformOfProduct: ReadonlyMap<string, Platform> = new Map([
  ['iOS', 'ios'],
  ['iPadOS', 'ios'],
  ['iOS and iPadOS', 'ios'],
  ['macOS', 'macos'],
  ['visionOS', 'visionos'],
  ['tvOS', 'tvos'],
  ['watchOS', 'watchos'],
]);

/** Reads the file as a whole, or says everything that is wrong with it. */
export function readSofaFeed(file: Uint8Array): { readonly kind: 'read'; readonly feed: SofaFeed } | UnreadableFile {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(file));
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { kind: 'unreadable', code: 'malformed-json', faults: [{ path: '', code: 'malformed-json', detail }] };
  }
  const reader = new Reader();
  const root = reader.object(json, '');
  if (!('BackgroundSecurityImprovements' in root)) {
    const detail = 'has no BackgroundSecurityImprovements, as every SOFA v2 feed has';
    return { kind: 'unreadable', code: 'nothing-to-import', faults: [{ path: '', code: 'no-feed', detail }] };
  }
  const versions = reader.array(root['OSVersions'], '/OSVersions').map((each, index) => {
    const path = `/OSVersions/${String(index)}`;
    const version = reader.object(each, path);
    const fullReleases = reader.array(version['SecurityReleases'] ?? [], `${path}/SecurityReleases`);
    return { path, latest: version['Latest'], fullReleases };
  });
  const rows = readImprovements(root['BackgroundSecurityImprovements'], reader);
  const feed = {
    platform: readPlatform(versions, reader),
    improvements: rows.filter((row): row is SofaImprovement => !isUnreadable(row)),
    unreadable: rows.filter(isUnreadable),
    models: readModels(root['Devices'], reader),
    exploited: readExploited(versions, reader),
    fullReleases: versions.reduce((sum, { fullReleases }) => sum + fullReleases.length, 0),
  };
  const { platform } = feed;
  if (platform === undefined || reader.faults.length > 0) {
    return { kind: 'unreadable', code: 'invalid-request', faults: reader.faults.slice(0, FAULTS_MAX) };
  }
  return { kind: 'read', feed: { ...feed, platform } };
}

interface OsVersion {
  readonly path: string;
  readonly latest: unknown;
  readonly fullReleases: readonly unknown[];
}

/** The one platform that all full releases of the feed are for. */
function readPlatform(versions: readonly OsVersion[], reader: Reader): Platform | undefined {
  const names = versions.map(({ path, latest }) => {
    const fullRelease = reader.object(latest, `${path}/Latest`);
    return reader.text(fullRelease['ProductName'], `${path}/Latest/ProductName`);
  });
  const found = new Set(names.map((name) => platformOfProduct.get(name)));
  const [platform] = found;
  if (platform === undefined || found.size > 1) {
    const said = [...new Set(names)].join(', ') || 'nothing';
    reader.fault(
      '/OSVersions',
      'unknown-platform',
      `the full releases must be of one known platform, but are of: ${said}`,
    );
  }
  return platform;
}

function isUnreadable(row: SofaImprovement | UnreadableRow): row is UnreadableRow {
  return 'reason' in row;
}

function readImprovements(value: unknown, reader: Reader): (SofaImprovement | UnreadableRow)[] {
  const path = '/BackgroundSecurityImprovements';
  const improvements = Object.entries(reader.object(value, path)).flatMap(([major, rows]) => {
    const place = `${path}/${toPointerToken(major)}`;
    return reader.array(rows, place).map((row, index) => readRow(row, `${place}/${String(index)}`));
  });
  if (improvements.length > IMPROVEMENTS_MAX) {
    reader.fault(path, 'too-many', `has ${String(improvements.length)} entries, more than ${String(IMPROVEMENTS_MAX)}`);
  }
  return improvements;
}

function readRow(value: unknown, pointer: string): SofaImprovement | UnreadableRow {
  const reader = new Reader();
  const improvement = readImprovement(value, pointer, reader);
  if (reader.faults.length === 0) return improvement;
  const fields = typeof value === 'object' && value !== null ? Object.keys(value) : [];
  if (!fields.some((field) => FIELDS_OF_ROW.includes(field))) {
    const detail = `has none of ${FIELDS_OF_ROW.join(', ')}, but ${fields.slice(0, FAULTS_OF_ROW_MAX).join(', ') || 'nothing'}`;
    return { pointer, reason: 'unknown-form', detail };
  }
  const faults = reader.faults.slice(0, FAULTS_OF_ROW_MAX).map(({ path, detail }) => `${path}: ${detail}`);
  return { pointer, reason: 'unreadable', detail: faults.join('; ') };
}

function readImprovement(value: unknown, pointer: string, reader: Reader): SofaImprovement {
  const row = reader.object(value, pointer);
  const successor = row['SupersededBy'] ?? undefined;
  return {
    pointer,
    version: reader.text(row['Version'], `${pointer}/Version`),
    versionExtra: reader.optionalText(row['VersionExtra'], `${pointer}/VersionExtra`),
    build: reader.text(row['Build'], `${pointer}/Build`),
    prerequisiteBuild: reader.optionalText(row['PrerequisiteBuild'], `${pointer}/PrerequisiteBuild`),
    devices: reader.texts(row['SupportedDevices'], `${pointer}/SupportedDevices`),
    cves: reader.texts(row['CVEs'] ?? [], `${pointer}/CVEs`),
    securityInfo: reader.optionalText(row['SecurityInfo'], `${pointer}/SecurityInfo`),
    supersededBy: successor === undefined ? undefined : readFullRelease(successor, `${pointer}/SupersededBy`, reader),
  };
}

function readFullRelease(value: unknown, pointer: string, reader: Reader): { version: string; build: string } {
  const fullRelease = reader.object(value, pointer);
  return {
    version: reader.text(fullRelease['ProductVersion'], `${pointer}/ProductVersion`),
    build: reader.text(fullRelease['Build'], `${pointer}/Build`),
  };
}

function readModels(value: unknown, reader: Reader): Map<string, string> {
  const models = new Map<string, string>();
  for (const [board, entry] of Object.entries(reader.object(value ?? {}, '/Devices'))) {
    const pointer = `/Devices/${toPointerToken(board)}`;
    const model = reader.optionalText(reader.object(entry, pointer)['DeviceID'], `${pointer}/DeviceID`);
    if (model !== undefined && model !== '') models.set(board, model);
  }
  return models;
}

function readExploited(versions: readonly OsVersion[], reader: Reader): Set<string> {
  const exploited = new Set<string>();
  for (const { path, latest, fullReleases } of versions) {
    const all = [
      [latest, `${path}/Latest`] as const,
      ...fullReleases.map((fullRelease, index) => [fullRelease, `${path}/SecurityReleases/${String(index)}`] as const),
    ];
    for (const [value, pointer] of all) {
      const fullRelease = reader.object(value, pointer);
      const named = reader.texts(fullRelease['ActivelyExploitedCVEs'] ?? [], `${pointer}/ActivelyExploitedCVEs`);
      for (const id of named) exploited.add(id);
      for (const [id, details] of Object.entries(reader.object(fullRelease['CVEs'] ?? {}, `${pointer}/CVEs`))) {
        // Former feeds have true or false here, which says nothing of being exploited.
        if (typeof details === 'boolean') continue;
        const { ActivelyExploited, InKEV } = reader.object(details, `${pointer}/CVEs/${toPointerToken(id)}`);
        if (ActivelyExploited === true || InKEV === true) exploited.add(id);
      }
    }
  }
  return exploited;
}

/** Takes values for what they should be, and keeps every fault; what is not so reads as empty. */
class Reader {
  readonly faults: FieldFault[] = [];

  fault(path: string, code: string, detail: string): void {
    this.faults.push({ path, code, detail });
  }

  object(value: unknown, path: string): Readonly<Record<string, unknown>> {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    this.fault(path, 'is-object', 'must be an object');
    return {};
  }

  array(value: unknown, path: string): readonly unknown[] {
    if (Array.isArray(value)) return value;
    this.fault(path, 'is-array', 'must be an array');
    return [];
  }

  text(value: unknown, path: string): string {
    if (typeof value === 'string') return value;
    this.fault(path, 'is-string', 'must be a string');
    return '';
  }

  optionalText(value: unknown, path: string): string | undefined {
    return value === undefined || value === null ? undefined : this.text(value, path);
  }

  texts(value: unknown, path: string): string[] {
    return this.array(value, path).map((each, index) => this.text(each, `${path}/${String(index)}`));
  }
}
