import { Injectable } from '@nestjs/common';
import { skippedEvents } from '@sluice/contracts/stored-events';
import { letterId, OwnSigns } from '@sluice/event-feed';
import { Clock } from '@sluice/event-sourcing';
import { StopsInForce } from '../http/stops-in-force.ts';
import { Followers } from '../replay/followers.ts';
import { ServiceName } from '../settings/service-name.ts';
import { Timers } from '../time/timers.ts';
import { Attention, type AttentionSource, type Finding, type Findings, idTime } from './attention.ts';
import { Lasting } from './lasting.ts';

/** After so long without another forged record, the attempt counts as over. */
const FORGING_OVER_AFTER_MS = 3_600_000;
/** Sources give a sign of life each second or few. */
const SILENCE_MS = 60_000;
/** A process that has just begun has heard of nobody (the wall's pace). */
const SILENCE_SHOWN_AFTER_MS = 30_000;
/** One mark of the store that fails may be a moment of the disk. */
const UNWRITABLE_SHOWN_AFTER_MS = 10_000;

/** What needs a person whatever service this is: what is parked, forged or not understood, and what the process itself lacks. */
@Injectable()
export class ProcessAttention implements AttentionSource {
  readonly service: string;
  private readonly lasting: Lasting;
  /** By consumer: how many records were forged when it was last looked at, and when there was another one. */
  private readonly forged = new Map<string, { readonly count: number; readonly lastMs: number }>();

  constructor(
    attention: Attention,
    private readonly followers: Followers,
    private readonly stops: StopsInForce,
    private readonly clock: Clock,
    private readonly signs: OwnSigns,
    timers: Timers,
    { service }: ServiceName,
  ) {
    this.service = service;
    this.lasting = new Lasting(timers);
    attention.add(this);
  }

  tick(nowMs: number): void {
    const { lasting } = this;
    lasting.note('clock', !this.clock.soundness().sound, nowMs);
    lasting.note('store', !this.signs.current().writable, nowMs);
    const inboxes = this.followers.inboxes();
    for (const { consumer, doubts, silentMs } of inboxes) {
      lasting.note(`silent ${consumer.source}`, silentMs > SILENCE_MS, nowMs);
      lasting.note(`contradicts ${consumer.name}`, doubts.contradiction !== undefined, nowMs);
      const before = this.forged.get(consumer.name);
      if (doubts.dropped > (before?.count ?? 0)) {
        this.forged.set(consumer.name, { count: doubts.dropped, lastMs: nowMs });
      }
      lasting.note(`forged ${consumer.name}`, this.isForging(consumer.name, nowMs), nowMs);
    }
    lasting.noteAll('later ', skippedEvents().keys(), nowMs);
  }

  look(nowMs: number): Findings {
    this.tick(nowMs);
    const found = [
      ...this.unstoredStops(),
      ...this.ofClock(),
      ...this.ofStore(),
      ...this.silentSources(),
      ...this.contradictions(),
      ...this.parked(),
      ...this.forgedRecords(),
      ...this.laterVersions(),
    ];
    return { found, unknown: [] };
  }

  private unstoredStops(): Finding[] {
    return this.stops.list().map(({ stop, since }) => ({
      ...{ id: `stop-not-durable:${stop.replaceAll(/[^\w.:-]+/g, '-')}:${idTime(since)}`, kind: 'stop-not-durable' },
      ...{ severity: 'critical', about: {}, since },
      words: `${stop} is in force in the memory of this process only: it is forgotten if the process ends`,
      command: 'sluice health',
    }));
  }

  private ofClock(): Finding[] {
    const [soundness, since] = [this.clock.soundness(), this.lasting.since('clock')];
    if (soundness.sound || since === undefined) return [];
    const seconds = Math.round(soundness.differenceMs / 1000);
    return [
      {
        ...{ id: `clock-unsound:${this.service}:${idTime(since)}`, kind: 'clock-unsound', severity: 'critical' },
        ...{ about: {}, since },
        words: `the clock is not believed: the wall differs from it by ${String(seconds)} s, so nothing starts or widens`,
        command: 'sluice clock accept',
      },
    ];
  }

  private ofStore(): Finding[] {
    const since = this.lasting.since('store', UNWRITABLE_SHOWN_AFTER_MS);
    if (since === undefined) return [];
    return [
      {
        ...{ id: `store-not-writable:${this.service}:${idTime(since)}`, kind: 'store-not-writable' },
        ...{ severity: 'critical', about: {}, since },
        words: 'the store cannot write: nothing widens, and soon nothing is offered. Is the disk full?',
        command: 'sluice health',
      },
    ];
  }

  /** One item a source, however many consumers hear it. */
  private silentSources(): Finding[] {
    const sources = new Set(this.followers.inboxes().map(({ consumer }) => consumer.source));
    return [...sources].flatMap((source): Finding[] => {
      const since = this.lasting.since(`silent ${source}`, SILENCE_SHOWN_AFTER_MS);
      if (since === undefined) return [];
      return [
        {
          ...{ id: `source-silent:${this.service}:${source}:${idTime(since)}`, kind: 'source-silent' },
          ...{ severity: 'critical', about: { source }, since },
          words: `${this.service} has heard nothing of ${source} for more than a minute: is it there, and what is between them?`,
          command: 'sluice health',
        },
      ];
    });
  }

  private contradictions(): Finding[] {
    return this.followers.inboxes().flatMap(({ consumer: { name: consumer, source }, doubts }): Finding[] => {
      const since = this.lasting.since(`contradicts ${consumer}`);
      if (doubts.contradiction === undefined || since === undefined) return [];
      const id = `source-contradicts:${consumer}:${idTime(since)}`;
      const about = { source, consumer };
      const words = `${consumer}: ${doubts.contradiction}`;
      return [{ id, kind: 'source-contradicts', severity: 'critical', about, since, words, command: 'sluice health' }];
    });
  }

  /** One item a consumer, named after the first event that is parked. */
  private parked(): Finding[] {
    return this.followers.inboxes().flatMap(({ consumer: { name: consumer, source }, letters }): Finding[] => {
      const [first] = letters;
      if (first === undefined) return [];
      const { stream, place, time: since, type } = first.event;
      const count = letters.length === 1 ? '1 event is' : `${String(letters.length)} events are`;
      return [
        {
          id: `events-parked:${consumer}:${stream}:${String(place.revision)}:${String(place.index)}`,
          ...{ kind: 'events-parked', severity: 'critical', about: { source, consumer }, since },
          words: `${count} parked at ${consumer}, the first of them ${type} of ${stream}: ${first.reason ?? ''}`,
          command: `sluice dlq retry ${letterId(first)}`,
        },
      ];
    });
  }

  private forgedRecords(): Finding[] {
    return this.followers.inboxes().flatMap(({ consumer: { name: consumer, source }, doubts }): Finding[] => {
      const since = this.lasting.since(`forged ${consumer}`);
      if (since === undefined) return [];
      return [
        {
          ...{ id: `forged-records:${consumer}:${idTime(since)}`, kind: 'forged-records', severity: 'critical' },
          ...{ about: { source, consumer }, since },
          words: `${consumer} has dropped ${String(doubts.dropped)} records that ${source} does not have: who else writes to its topic?`,
          command: 'sluice health',
        },
      ];
    });
  }

  private laterVersions(): Finding[] {
    return [...skippedEvents()].flatMap(([type, count]): Finding[] => {
      const since = this.lasting.since(`later ${type}`);
      if (since === undefined) return [];
      return [
        {
          ...{
            id: `later-version:${this.service}:${type}`,
            kind: 'later-version',
            severity: 'warning',
            about: {},
            since,
          },
          words: `${String(count)} events of the type ${type} are skipped, because a later version of Sluice wrote them: bring all services to that version`,
          command: 'sluice doctor',
        },
      ];
    });
  }

  private isForging(consumer: string, nowMs: number): boolean {
    const last = this.forged.get(consumer);
    return last !== undefined && nowMs - last.lastMs < FORGING_OVER_AFTER_MS;
  }
}
