import { DiagnosticSeverity, Parser } from '@asyncapi/parser';
import { asyncApi } from '@sluice/contracts/async-api';
import { eventTypes } from '@sluice/contracts/event-types';
import { kafkaTopics, topics } from '@sluice/contracts/events';
import { describe, expect, it } from 'vitest';
import { referencePages } from './reference.ts';

const pages = await referencePages();
const services = [...new Set(Object.values(topics).map(({ service }) => service))];
const parser = new Parser();
const worst: readonly unknown[] = [DiagnosticSeverity.Error, DiagnosticSeverity.Warning];

describe('describing topics with AsyncAPI', () => {
  it.each(services)('is valid for %s, without an error or a warning', async (service) => {
    const { document, diagnostics } = await parser.parse(pages[`asyncapi/${service}.json`] ?? '');
    expect(diagnostics.filter(({ severity }) => worst.includes(severity))).toEqual([]);
    const channels = document?.channels().all() ?? [];
    const own = kafkaTopics.filter((topic) => topics[topic].service === service);
    expect(channels.map((channel) => channel.address())).toEqual(own.map((topic) => `sluice.${topic}.v1`));
    const names = channels.flatMap((channel) =>
      channel
        .messages()
        .all()
        .map((message) => message.name()),
    );
    const wanted = [...eventTypes.current.values()].filter(({ topic }) => own.includes(topic));
    expect(new Set(names)).toEqual(new Set([...wanted.map(({ eventType }) => eventType), 'sluice.progress.v1']));
    expect(
      document
        ?.operations()
        .all()
        .map((operation) => operation.action()),
    ).toEqual(own.map(() => 'send'));
  });

  it('is found to be invalid when a channel points to nothing', async () => {
    const broken = JSON.stringify(asyncApi({ title: 'broken', topics: ['catalog'], shards: 8 }));
    const { diagnostics } = await parser.parse(broken.replace('#/components/messages/Progress', '#/components/none'));
    expect(diagnostics.filter(({ severity }) => worst.includes(severity)).length).toBeGreaterThan(0);
  });
});
