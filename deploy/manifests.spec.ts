import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { environmentVariable } from '@sluice/platform';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { settingsByProcess } from './reference.ts';

interface Labelled {
  readonly matchLabels?: Readonly<Record<string, string>>;
}
interface Container {
  readonly image: string;
  readonly env: readonly { name: string; value?: string; valueFrom?: object }[];
  readonly ports: readonly { name: string; containerPort: number }[];
  readonly [field: string]: unknown;
}
interface Pod {
  readonly containers: readonly [Container];
  readonly volumes: readonly { name: string; emptyDir?: object; secret?: { secretName: string } }[];
  readonly serviceAccountName: string;
  readonly [field: string]: unknown;
}
interface Manifest {
  readonly kind: string;
  readonly metadata: { name: string };
  readonly automountServiceAccountToken?: boolean;
  readonly spec: {
    readonly template: { metadata: { labels: Record<string, string> }; spec: Pod };
    readonly selector: Labelled & Record<string, string>;
    readonly podSelector: Labelled;
    readonly ports: readonly { port: number; targetPort: string }[];
    readonly clusterIP?: string;
    readonly serviceName?: string;
    readonly maxUnavailable?: number;
    readonly ingress?: readonly { from: readonly object[]; ports: readonly { port: number }[] }[];
    readonly egress?: readonly { to?: readonly object[]; ports?: readonly { port: number }[] }[];
  };
}
interface ComposeService {
  readonly image?: string;
  readonly environment?: Readonly<Record<string, string | number>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly [field: string]: unknown;
}

const kubernetes = join(import.meta.dirname, 'kubernetes');
const root = dirname(import.meta.dirname);
const read = (...path: string[]) => readFileSync(join(import.meta.dirname, ...path), 'utf8');
const { servicePorts } = (await import(new URL('docker/build.mjs', import.meta.url).href)) as {
  servicePorts: Readonly<Record<string, number>>;
};
const services = Object.entries(servicePorts);
const rules = new Map<string, { parse(text: string): unknown }>(
  Object.values(settingsByProcess)
    .flatMap((rules) => Object.values(rules))
    .map((rule) => [environmentVariable(rule.flag), rule]),
);

/** The settings that a file names and that Sluice does not take as they stand there. */
function wrongSettings(settings: Iterable<readonly [string, string]>): string[] {
  return (
    [...settings]
      .filter(([name]) => name.startsWith('SLUICE_'))
      // What Kubernetes and compose put in is known only there.
      .filter(
        ([name, value]) => !rules.has(name) || (!/\$[({]/.test(value) && rules.get(name)?.parse(value) === undefined),
      )
      .map(([name, value]) => `${name}=${value}`)
  );
}

describe('building images', () => {
  const dockerfile = read('docker', 'Dockerfile');

  it.each(services)('listens in the image of %s where the service does anyway', (service, port) => {
    expect(readFileSync(join(root, 'apps', service, 'src', 'main.ts'), 'utf8')).toContain(`port: ${String(port)},`);
  });

  it('names a public base image without a host, and takes another', () => {
    expect(/^ARG BASE_IMAGE=(\S+)\nFROM \$\{BASE_IMAGE\}$/m.exec(dockerfile)?.[1]).toMatch(/^node:\d+[\w-]*$/);
  });

  it('runs nothing while building, and as nobody special later', () => {
    expect(dockerfile).not.toMatch(/^(RUN|ADD) /m);
    expect(dockerfile).toMatch(/^USER [1-9]\d*:[1-9]\d*$/m);
    expect(dockerfile).toMatch(/^HEALTHCHECK .*CMD \["node", "\/opt\/sluice\/health\.mjs"\]$/m);
  });

  it('sets what is a setting', () => {
    expect(
      wrongSettings([...dockerfile.matchAll(/\b(SLUICE_\w+)=(\S+)/g)].map(([, a = '', b = '']) => [a, b])),
    ).toEqual([]);
  });
});

describe('composing', () => {
  const compose = (name: string) =>
    parse(read('compose', name), { merge: true }) as { services: Record<string, ComposeService> };
  const all = compose('compose.yaml').services;
  const embedded = compose('compose.embedded.yaml').services;
  const own = Object.entries(all).filter(([, { image }]) => image?.includes('SLUICE_IMAGES'));

  it('has every service, telemetry twice', () => {
    expect(own.map(([name]) => name)).toEqual(['catalog', 'orchestrator', 'telemetry-1', 'telemetry-2']);
  });

  it.each(own)('takes from %s all that it does not need', (_name, service) => {
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      restart: 'unless-stopped',
      mem_limit: expect.any(String),
      pids_limit: expect.any(Number),
      healthcheck: { test: ['CMD', 'node', '/opt/sluice/health.mjs', '/health/ready'] },
      depends_on: { kafka: { condition: 'service_healthy' } },
    });
  });

  it.each(own)('publishes the port of %s to this machine only', (name, { ports }) => {
    expect(ports?.[0]).toMatch(/^\$\{BIND_ADDRESS:-127\.0\.0\.1\}:\$\{\w+:-46\d\d\}:/);
    expect(ports?.[0]?.split(':').at(-1)).toBe(String(servicePorts[name.replace(/-\d$/, '')]));
  });

  it('sets what is a setting', () => {
    for (const { environment = {} } of [...Object.values(all), ...Object.values(embedded)]) {
      expect(wrongSettings(Object.entries(environment).map(([name, value]) => [name, String(value)]))).toEqual([]);
    }
  });

  it('names images without a host', () => {
    for (const { image } of Object.values(all)) expect(image).toMatch(/^\$\{SLUICE_\w+:-[\w./:-]+\}/);
  });

  it('changes only what is there when the store is embedded', () => {
    expect(Object.keys(all)).toEqual(expect.arrayContaining(Object.keys(embedded)));
  });
});

describe('running on Kubernetes', () => {
  const manifests = globSync('base/*.yaml', { cwd: kubernetes })
    .filter((file) => !file.endsWith('kustomization.yaml'))
    .flatMap((file) => parseAllDocuments(read('kubernetes', file)).map((document) => document.toJS() as Manifest));
  const ofKind = (kind: RegExp) => manifests.filter((manifest) => kind.test(manifest.kind));
  const workloads = ofKind(/^(Deployment|StatefulSet)$/);
  const selects = ({ matchLabels }: Labelled, name: string) => matchLabels?.['app.kubernetes.io/name'] === name;

  it('has every service once', () => {
    expect(workloads.map(({ metadata }) => metadata.name).sort()).toEqual(services.map(([service]) => service).sort());
  });

  it.each(workloads.map((workload) => [workload.metadata.name, workload] as const))('secures %s', (name, workload) => {
    const { labels } = workload.spec.template.metadata;
    expect(labels['app.kubernetes.io/name']).toBe(name);
    const { containers, ...pod } = workload.spec.template.spec;
    expect(pod).toMatchObject({
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
    });
    expect(containers[0]).toMatchObject({
      image: `sluice/${name}`,
      ports: [{ name: 'http', containerPort: servicePorts[name] }],
      securityContext: {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      },
      resources: {
        requests: { cpu: expect.anything(), memory: expect.any(String) },
        limits: { memory: expect.any(String) },
      },
      startupProbe: { httpGet: { path: '/health/live', port: 'http' } },
      readinessProbe: { httpGet: { path: '/health/ready', port: 'http' } },
      livenessProbe: { httpGet: { path: '/health/live', port: 'http' } },
    });
    const accounts = ofKind(/^ServiceAccount$/).filter(({ metadata }) => metadata.name === pod.serviceAccountName);
    expect(accounts).toMatchObject([{ automountServiceAccountToken: false }]);
    const budgets = ofKind(/^PodDisruptionBudget$/).filter(({ spec }) => selects(spec.selector, name));
    expect(budgets).toMatchObject([{ spec: { maxUnavailable: 1 } }]);
  });

  it.each(services)('leads to %s by its name and port', (name, port) => {
    const found = ofKind(/^Service$/).filter(({ metadata }) => metadata.name === name);
    expect(found).toMatchObject([
      { spec: { selector: { 'app.kubernetes.io/name': name }, ports: [{ port, targetPort: 'http' }] } },
    ]);
  });

  it('gives each instance of telemetry a name that the others reach', () => {
    const telemetry = workloads.find(({ kind }) => kind === 'StatefulSet');
    const headless = ofKind(/^Service$/).filter(({ spec }) => spec.clusterIP === 'None');
    expect(headless.map(({ metadata }) => metadata.name)).toEqual([telemetry?.spec.serviceName]);
    const address = telemetry?.spec.template.spec.containers[0].env.find(({ name }) => name === 'SLUICE_ADDRESS');
    expect(address?.value).toBe('http://$(POD_NAME).telemetry-peers.$(POD_NAMESPACE).svc:4603');
  });

  it('lets nobody in or out unless it is said so', () => {
    const policies = ofKind(/^NetworkPolicy$/);
    const deny = policies.find(({ metadata }) => metadata.name === 'default-deny');
    expect(deny?.spec).toEqual({
      podSelector: { matchLabels: { 'app.kubernetes.io/part-of': 'sluice' } },
      policyTypes: ['Ingress', 'Egress'],
    });
    for (const [name, port] of services) {
      const ingress = policies
        .filter(({ spec }) => selects(spec.podSelector, name))
        .flatMap(({ spec }) => spec.ingress ?? []);
      expect(ingress.map(({ ports }) => ports)).toEqual([[{ port }]]);
      expect(ingress[0]?.from.length).toBeGreaterThan(0);
      const devices = JSON.stringify(ingress).includes('sluice.access/devices');
      expect(devices).toBe(name !== 'catalog');
    }
    const egress = policies.flatMap(({ spec }) => spec.egress ?? []);
    for (const rule of egress) expect([rule.to, rule.ports]).toEqual([expect.any(Array), expect.any(Array)]);
  });

  it('sets what is a setting, in the base and in the overlays', () => {
    const lines = globSync('**/{settings.env,kustomization.yaml}', { cwd: kubernetes }).flatMap((file) => [
      ...read('kubernetes', file).matchAll(/\b(SLUICE_[A-Z_]+)=([^\s,\]]+)/g),
    ]);
    expect(lines.length).toBeGreaterThan(10);
    expect(wrongSettings(lines.map(([, name = '', value = '']) => [name, value]))).toEqual([]);
    const inPods = workloads.flatMap(({ spec }) => spec.template.spec.containers[0].env);
    expect(wrongSettings(inPods.map(({ name, value = '$(SECRET)' }) => [name, value]))).toEqual([]);
  });

  it.each(['base', 'overlays/example', 'overlays/embedded'])('is put together by kustomize: %s', (folder) => {
    const put = kustomize(folder);
    if (put === undefined) return;
    const kinds = parseAllDocuments(put).map((document) => (document.toJS() as Manifest).kind);
    expect(kinds.filter((kind) => /^(Deployment|StatefulSet)$/.test(kind))).toHaveLength(services.length);
  });
});

/** Undefined where there is no kubectl: the manifests are checked as they lie there all the same, so CI goes without it. */
function kustomize(folder: string): string | undefined {
  try {
    return execFileSync('kubectl', ['kustomize', join(kubernetes, folder)], { encoding: 'utf8' });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    console.warn(`SKIPPED: kustomize of deploy/kubernetes/${folder}: there is no kubectl`);
    return undefined;
  }
}
