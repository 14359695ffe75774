import { setTimeout as sleep } from 'node:timers/promises';
import { type DynamicModule, Logger, Module, type Provider, type Type } from '@nestjs/common';
import { APP_FILTER, APP_INTERCEPTOR, APP_PIPE, HttpAdapterHost } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import { onFirstSkipped, skippedEvents } from '@sluice/contracts/stored-events';
import {
  EventFeed,
  type OwnerDoubts,
  OwnSigns,
  type Publication,
  ShardOwnership,
  SoleOwnership,
  StoreFeed,
} from '@sluice/event-feed';
import { Clock, EventStore, Reservations, toTimeText, Traces, untraced } from '@sluice/event-sourcing';
import { Attention } from './attention/attention.ts';
import { AttentionController } from './attention/attention.controller.ts';
import { ProcessAttention } from './attention/process-attention.ts';
import { Audit } from './audit/audit.ts';
import { AuditController } from './audit/audit.controller.ts';
import { AsyncApi } from './http/async-api.ts';
import { type Certificate } from './http/certificate.ts';
import { BodyBudget } from './http/body-budget.ts';
import { ListTurns } from './http/long-lists.ts';
import { type Access, AccessFollower } from './auth/access.follower.ts';
import { AccessOwner, MeController, TokensController, TokensElsewhereController } from './auth/tokens.controller.ts';
import { DeadLettersController } from './feed/dead-letters.controller.ts';
import { DeviceRoutes } from './device-door/device-routes.ts';
import { EntityTags } from './http/entity-tags.ts';
import { FeedController } from './feed/feed.controller.ts';
import { FeedReaders } from './feed/feed-readers.ts';
import { FeedSigns } from './feed/feed-signs.ts';
import { FeedThread, InlineFeed } from './feed/feed-thread.ts';
import { Folds } from './replay/folds.ts';
import { type Companion, Followers } from './replay/followers.ts';
import { KeyedRequests } from './http/keyed-requests.ts';
import { Metrics } from './observe/metrics.ts';
import { OpenApi } from './http/open-api.ts';
import { OperationsController } from './observe/operations.controller.ts';
import { ProblemFilter } from './http/problem.ts';
import { Questions, type ServiceAddresses } from './http/questions.ts';
import { ProgressController } from './observe/progress.controller.ts';
import { ReplaysController, Verifications } from './replay/replays.ts';
import { ServiceName } from './settings/service-name.ts';
import { Settings } from './settings/settings.ts';
import { StopsInForce } from './http/stops-in-force.ts';
import { StoreProof } from './observe/store-proof.ts';
import { StreamShares } from './feed/stream-shares.ts';
import { Timers, WallTimers } from './time/timers.ts';
import { Tokens } from './auth/tokens.ts';
import { WebhooksController } from './webhooks/webhooks.controller.ts';
import { Webhooks, WebhookWorld } from './webhooks/webhooks.ts';
import { createValidationPipe } from './http/validation.ts';

/** What an app decides: the adapters, the time, the configuration. Services see only the ports. */
export interface Composition {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly store: EventStore;
  readonly tokens: Tokens;
  readonly folds: Folds;
  /** Where the feed is read; in this thread if not given. */
  readonly feedThread?: FeedThread;
  /** Where the events of other services come from; the own store if not given. */
  readonly feed?: EventFeed;
  /** Where the tokens of another process come from, when it is not `feed`: they are in no Kafka. */
  readonly accessFeed?: EventFeed;
  /** Where the owner of the tokens listens, when it is another process. */
  readonly accessOwner?: string;
  /** Where each service listens, to be asked; this process is all of them if not given. */
  readonly addresses?: ServiceAddresses;
  /** The data folder, for what has to be known at the next start before others answer; nowhere if not given. */
  readonly folder?: string;
  /** Where the audit of this process is kept; in memory if not given. */
  readonly auditFolder?: string;
  readonly publications: readonly Publication[];
  /** Which instance owns which shard; this one all of them if not given. */
  readonly ownership?: ShardOwnership;
  readonly companions?: readonly Companion[];
  /** What this process says of itself; a new one if not given. */
  readonly signs?: OwnSigns;
  /** The wall's if not given. */
  readonly timers?: Timers;
  /** Who collects traces; nobody if not given. */
  readonly traces?: Traces;
  /** Who is told by webhook, and how; nobody if not given. */
  readonly webhooks?: WebhookWorld;
  /** What the server listens with; without one, it listens without TLS. */
  readonly certificate?: Certificate;
}

const own = [
  Metrics,
  Followers,
  StopsInForce,
  Attention,
  ProcessAttention,
  Webhooks,
  Verifications,
  DeviceRoutes,
  OpenApi,
  StreamShares,
  FeedSigns,
  FeedReaders,
];
/** What the server shares with the services that it answers for. */
export interface Shared {
  readonly budget: BodyBudget;
  readonly listTurns: ListTurns;
}

/** What every service is given: ports, errors, auth, health, metrics, tokens, replays, the feed of its own events. */
@Module({})
export class PlatformModule {
  static with(composition: Composition & Shared): DynamicModule {
    const { settings, clock, store, tokens, folds, feed, publications, ownership } = composition;
    const { signs = new OwnSigns(), timers = new WallTimers(), traces = untraced, budget, listTurns } = composition;
    const { feedThread = new InlineFeed(store, publications) } = composition;
    const ownFeed = new StoreFeed(store, publications, signs);
    const given: Provider[] = [
      ...outwards(composition),
      { provide: Settings, useValue: settings },
      { provide: Clock, useValue: clock },
      { provide: EventStore, useValue: store },
      { provide: Tokens, useValue: tokens },
      { provide: Folds, useValue: folds },
      { provide: StoreFeed, useValue: ownFeed },
      { provide: FeedThread, useValue: feedThread },
      { provide: OwnSigns, useValue: signs },
      { provide: AsyncApi, useValue: new AsyncApi(publications, settings.values.shards) },
      { provide: EventFeed, useValue: feed ?? ownFeed },
      { provide: ShardOwnership, useValue: ownership ?? new SoleOwnership(sleep) },
      { provide: Timers, useValue: timers },
      { provide: Traces, useValue: traces },
      { provide: BodyBudget, useValue: budget },
      { provide: ListTurns, useValue: listTurns },
      { provide: AccessOwner, useValue: new AccessOwner(composition.accessOwner) },
      questionsOf(composition, timers),
      { provide: Reservations, useValue: new Reservations(store, () => timers.monotonicMs()) },
    ];
    const audit = accompany(composition, timers);
    const access = follow(accessOf(composition, ownFeed), { tokens, clock, timers });
    return {
      module: PlatformModule,
      global: true,
      imports: [CqrsModule.forRoot()],
      controllers: controllersOf(composition),
      providers: [
        ...given,
        ...own,
        access,
        audit,
        proofOf(composition, signs),
        // The outer one first: an answer is kept with its ETag.
        { provide: APP_INTERCEPTOR, useClass: KeyedRequests },
        { provide: APP_INTERCEPTOR, useClass: EntityTags },
        { provide: APP_FILTER, useClass: ProblemFilter },
        { provide: APP_PIPE, useFactory: createValidationPipe },
      ],
      exports: [...given, ...own, access],
    };
  }
}

function controllersOf(composition: Composition): Type[] {
  return [
    OperationsController,
    MeController,
    AuditController,
    AttentionController,
    WebhooksController,
    TokensController,
    ...(ownsAccess(composition) ? [] : [TokensElsewhereController]),
    ReplaysController,
    FeedController,
    DeadLettersController,
    ProgressController,
  ];
}

function proofOf({ store, clock }: Composition, signs: OwnSigns): Provider {
  return {
    provide: StoreProof,
    inject: [Followers, Metrics],
    useFactory: (followers: Followers, metrics: Metrics) => prove(store, signs, { clock, followers, metrics }),
  };
}

function questionsOf({ addresses, tokens }: Composition, timers: Timers): Provider {
  return {
    provide: Questions,
    inject: [HttpAdapterHost],
    useFactory: (host: HttpAdapterHost) => new Questions({ addresses, tokens, timers, host }),
  };
}

/** What the process is called, and whom it tells of what happens. */
function outwards({ publications, webhooks = new WebhookWorld() }: Composition): Provider[] {
  return [
    { provide: ServiceName, useValue: ServiceName.of(publications) },
    { provide: WebhookWorld, useValue: webhooks },
  ];
}

function accompany({ auditFolder, clock }: Composition, timers: Timers): Provider {
  return {
    provide: Audit,
    inject: [Followers],
    useFactory: (followers: Followers) => {
      const audit = new Audit(auditFolder, clock, timers);
      followers.accompany(audit);
      return audit;
    },
  };
}

function follow(access: Access, surroundings: { tokens: Tokens; clock: Clock; timers: Timers }): Provider {
  return {
    provide: AccessFollower,
    inject: [Followers],
    useFactory: (followers: Followers) => new AccessFollower(access, { ...surroundings, followers }),
  };
}

function ownsAccess({ publications }: Composition): boolean {
  return publications.some(({ topic }) => topic === 'access');
}

/** A process that hears no other one is the owner of what tokens there are, even if it makes none. */
function accessOf(composition: Composition, ownFeed: StoreFeed): Access {
  const { store, feed, accessFeed = feed, folder } = composition;
  if (ownsAccess(composition) || accessFeed === undefined) return { feed: ownFeed, store, folder };
  return { feed: accessFeed, folder };
}

/** What a later version has stored or sent is counted, and named once in the log. */
function countSkipped(metrics: Metrics): void {
  metrics.countedElsewhere(
    'sluice_unknown_events_total',
    'Events that were skipped because a later version of Sluice wrote them, by type; types beyond the first 50 as `other`',
    { label: 'type', read: skippedEvents },
  );
  const log = new Logger('events');
  onFirstSkipped((type) => log.warn(`events of the type ${type} are skipped: a later version of Sluice wrote them`));
}

function bySource(followers: Followers, read: (doubts: OwnerDoubts) => number): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const { consumer, doubts } of followers.inboxes()) {
    sums.set(consumer.source, (sums.get(consumer.source) ?? 0) + read(doubts));
  }
  return sums;
}

function prove(
  store: EventStore,
  signs: OwnSigns,
  { clock, followers, metrics }: { readonly clock: Clock; readonly followers: Followers; readonly metrics: Metrics },
): StoreProof {
  countSkipped(metrics);
  metrics.gaugeBy('sluice_feed_contradictions', 'Consumers whose source has another event where one was applied', {
    label: 'source',
    read: () => bySource(followers, ({ contradiction }) => (contradiction === undefined ? 0 : 1)),
  });
  metrics.countedElsewhere(
    'sluice_forged_records_total',
    'Records at the place of another event that their owner does not have',
    { label: 'source', read: () => bySource(followers, ({ dropped }) => dropped) },
  );
  followers.accompany(troubleOf(clock));
  metrics.gauge('sluice_clock_unsound', "Whether the wall's clock is not believed (0 or 1)", () =>
    clock.soundness().sound ? 0 : 1,
  );
  metrics.gauge('sluice_clock_difference_seconds', 'By how much a clock that is not believed differs (seconds)', () => {
    const soundness = clock.soundness();
    return soundness.sound ? 0 : soundness.differenceMs / 1000;
  });
  const proof = new StoreProof(store, signs);
  followers.accompany(proof);
  metrics.gauge('sluice_store_writable', 'Whether the store of the process writes (0 or 1)', () =>
    signs.current().writable ? 1 : 0,
  );
  return proof;
}

/** A clock that is not believed is told to people, and keeps no instance from being ready: removals still go out. */
function troubleOf(clock: Clock): Companion {
  return {
    name: 'clock',
    start: () => undefined,
    stop: () => Promise.resolve(),
    notReady: () => undefined,
    trouble() {
      const soundness = clock.soundness();
      if (soundness.sound) return undefined;
      const { because, wallMs } = soundness;
      return `not believed (${because}): the wall says ${toTimeText(wallMs)}; see \`sluice clock\``;
    },
  };
}
