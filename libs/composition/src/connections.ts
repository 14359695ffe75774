import { HttpFeed } from '@sluice/event-feed-http';
import { type Connections, setting, type SettingRules, type Surroundings } from '@sluice/platform';
import { connectKafka } from './kafka-connections.ts';

/** Where services that run apart find one another. */
export const connectionSettings = {
  catalogUrl: setting.url(
    'catalog-url',
    'http://127.0.0.1:4601',
    'Where the catalog listens, for a service that runs apart.',
  ),
  orchestratorUrl: setting.url(
    'orchestrator-url',
    'http://127.0.0.1:4602',
    'Where the orchestrator listens, for a service that runs apart.',
  ),
  telemetryUrl: setting.url(
    'telemetry-url',
    'http://127.0.0.1:4603',
    'Where telemetry listens, for a service that runs apart.',
  ),
} as const satisfies SettingRules;

/** How a service that runs apart hears others: over Kafka where brokers are named, else over HTTP. */
export function connect(surroundings: Surroundings): Connections {
  const { settings, tokens, log } = surroundings;
  const {
    catalogUrl: catalog,
    orchestratorUrl: orchestrator,
    telemetryUrl: telemetry,
  } = settings.of(connectionSettings);
  const { kafka, store } = settings.values;
  const addresses = { catalog, orchestrator, telemetry };
  const owner = new HttpFeed({
    addresses,
    token: () => tokens.peerToken(),
    onDisconnect: (source, reason) => {
      log.warn({ source, reason: String(reason) }, 'feed lost, connecting again');
    },
  });
  if (kafka === '' && store === 'embedded-shared') {
    log.warn('without --kafka nothing shares the work between processes on one store: start one of each service only');
  }
  const connections = kafka === '' ? { feed: owner } : connectKafka(surroundings, owner);
  return { ...connections, accessOwner: catalog, addresses };
}
