import { type WebhookFormat } from '@sluice/api';
import { toTimeText } from '@sluice/event-sourcing';
import { type Notice } from './notice.ts';

/** Alertmanager forgets an alert that is not sent again; this one is told when it is over, or ends by itself. */
const ALERT_MS_MAX = 30 * 24 * 3_600_000;
/** What happened once is no state that ends. */
const HAPPENED_ALERT_MS = 3_600_000;
const SLACK_HEADER_MAX = 150;
const SLACK_SECTION_MAX = 3_000;

/** What a notice is without its place in the store: a test has none. */
export type Shown = Pick<Notice, 'kind' | 'service' | 'severity' | 'about' | 'words' | 'command' | 'since' | 'id'> & {
  readonly state: Notice['state'];
  readonly endedAt?: string;
};

/** The JSON body that a receiver of this format takes. `sluiceUrl`: where people reach Sluice. */
export function bodyOf(notice: Shown | TestNotice, format: WebhookFormat, sluiceUrl: string | undefined): object {
  switch (format) {
    case 'standard':
      return standardBody(notice, sluiceUrl);
    case 'slack':
      return slackBody(notice);
    case 'alertmanager':
      return alertBody(notice, sluiceUrl);
  }
}

/** What `sluice webhook test` sends. */
export type TestNotice = Omit<Shown, 'kind'> & { readonly kind: 'test' };

/** As Standard Webhooks has it: a type, when it happened, the data. */
function standardBody(notice: Shown | TestNotice, sluiceUrl: string | undefined): object {
  const { id, kind, state, service, severity, about, words, command, since, endedAt } = notice;
  const link = linkOf(notice, sluiceUrl);
  return {
    type: `sluice.${kind}.${state}`,
    timestamp: endedAt ?? since,
    data: { id, kind, state, service, severity, about, words, command, since, ...(endedAt && { endedAt }), ...link },
  };
}

function slackBody(notice: Shown | TestNotice): object {
  const { words, command, service, since, endedAt } = notice;
  const title = titleOf(notice);
  const when = endedAt === undefined ? since : `${since} to ${endedAt}`;
  return {
    text: `${title}: ${escaped(words)}`,
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: title.slice(0, SLACK_HEADER_MAX) } },
      { type: 'section', text: { type: 'mrkdwn', text: escaped(words).slice(0, SLACK_SECTION_MAX) } },
      { type: 'section', text: { type: 'mrkdwn', text: `\`${escaped(command)}\`` } },
      { type: 'context', elements: [{ type: 'mrkdwn', text: `${service}, ${when}` }] },
    ],
  };
}

/** The labels of begin and end are the same: by them Alertmanager knows that they are one alert. */
function alertBody(notice: Shown | TestNotice, sluiceUrl: string | undefined): object {
  const { id, kind, service, severity, about, words, command, since, state, endedAt } = notice;
  const labels = {
    alertname: `Sluice${pascal(kind)}`,
    ...{ service, severity, kind },
    // The begin is one alert, another begin another one.
    cause: id.replace(/:ended$/, ''),
    ...Object.fromEntries(Object.entries(about).map(([name, value]) => [name.replace(/Id$/, ''), String(value)])),
  };
  const lastsMs = state === 'began' ? ALERT_MS_MAX : HAPPENED_ALERT_MS;
  const { link } = linkOf(notice, sluiceUrl);
  return [
    {
      labels,
      annotations: { summary: titleOf(notice), description: words, command },
      startsAt: since,
      endsAt: endedAt ?? toTimeText(Date.parse(since) + lastsMs),
      ...(link !== undefined && { generatorURL: link }),
    },
  ];
}

function titleOf({ kind, state, about, severity }: Shown | TestNotice): string {
  const named = about.rolloutId ?? about.patchId;
  const said = `${kind.replaceAll('-', ' ')}${named === undefined ? '' : ` ${named}`}`;
  return state === 'ended' ? `Over: ${said}` : `${severity === 'critical' ? 'Critical: ' : ''}${said}`;
}

function linkOf({ about }: Shown | TestNotice, sluiceUrl: string | undefined): { readonly link?: string } {
  if (sluiceUrl === undefined) return {};
  const { rolloutId, patchId } = about;
  const path =
    rolloutId !== undefined ? `/v1/rollouts/${rolloutId}` : patchId !== undefined ? `/v1/patches/${patchId}` : '';
  return { link: `${sluiceUrl}${path === '' ? '/v1/attention' : path}` };
}

function pascal(kind: string): string {
  return kind.replaceAll(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Slack reads these three as its own signs. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
