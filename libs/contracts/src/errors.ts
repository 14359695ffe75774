import Type from 'typebox';
import { type Immutable } from './primitives.ts';

/** Every error that Sluice answers with, once: its HTTP status, and what to do about it. The code is stable, the text is not. */
export const errorCodes = {
  // At the edge.
  'invalid-request': { status: 400, title: 'The request is not valid. See `errors` for each fault.' },
  'malformed-json': { status: 400, title: 'The body is not valid JSON.' },
  'nested-too-deep': { status: 400, title: 'Objects and lists lie inside one another more than 32 deep.' },
  'malformed-request': { status: 400, title: 'This is no HTTP request that the server can read.' },
  'tokens-unavailable': {
    status: 503,
    title: 'Not all tokens are known here now, so nobody can say whether this one is good. Try again shortly.',
  },
  'not-the-owner': { status: 421, title: 'Another service owns this. Send it to the address in `owner`.' },
  unauthenticated: { status: 401, title: 'Send `Authorization: Bearer <token>`. `sluice token create` makes one.' },
  forbidden: { status: 403, title: 'The token has not the role that this call needs.' },
  'device-forbidden': { status: 403, title: 'The token may not speak for this device.' },
  'route-not-found': { status: 404, title: 'There is no such call. `/openapi.json` lists all.' },
  'method-not-allowed': { status: 405, title: 'This path does not take this method.' },
  'request-too-slow': {
    status: 408,
    title: 'The head of a request has to come within 10 seconds, and its body within another 10.',
  },
  'body-too-large': { status: 413, title: 'The body is larger than this call takes.' },
  'unsupported-media-type': { status: 415, title: 'Send `Content-Type: application/json`.' },
  'key-reused': {
    status: 422,
    title: 'The `Idempotency-Key` stands for another request of yours. Take a new one for each command.',
  },
  'headers-too-large': { status: 431, title: 'The headers of a request have at most 16 KiB.' },
  conflict: { status: 409, title: 'Others changed the same thing at the same time. Look at it again, then repeat.' },
  overloaded: { status: 503, title: 'Too much is waiting. Try again after the time in `Retry-After`.' },
  'shutting-down': { status: 503, title: 'The service is stopping. Try again when it has been started again.' },
  'store-unavailable': { status: 503, title: 'The store cannot write. Nothing of this request was kept.' },
  'store-late': {
    status: 503,
    title: 'The store has not answered in time. Whether this request is kept is not known. Send it again.',
  },
  'in-force-not-durable': {
    status: 503,
    title:
      'The stop is in force here, but not stored yet. It is tried again each second; nothing has to be sent again.',
  },
  'unknown-cursor': { status: 400, title: 'The cursor is not the `nextCursor` of a page of this list. Begin anew.' },
  'too-many-readers': { status: 503, title: 'As many read the feed as may at once. Try again after `Retry-After`.' },
  'reader-too-slow': {
    status: 503,
    title: 'What was sent is not taken. Connect again with the last `id` as `Last-Event-ID`.',
  },
  'other-lineage': {
    status: 409,
    title: 'The position is of another past than the store holds now. Read it from the beginning.',
  },
  'beyond-end': {
    status: 409,
    title: 'The store has not come to this position: it was restored or replaced. Read it from the beginning.',
  },
  'clock-not-manual': { status: 409, title: 'The clock moves by itself. Only `--clock manual` lets others move it.' },
  'clock-is-sound': { status: 409, title: 'The clock is sound: there is nothing to accept.' },
  'clock-moved-on': { status: 409, title: 'The difference is another one by now. `sluice clock` shows it.' },
  'clock-unsound': {
    status: 409,
    title: "The wall's clock has jumped, so nothing starts. `sluice clock` shows by how much, and how to accept it.",
  },
  'not-ready': { status: 503, title: 'The service has not caught up yet. Try again in a few seconds.' },
  internal: { status: 500, title: 'A fault in Sluice. The correlation id finds it in the log.' },

  // Catalog.
  'patch-not-found': { status: 404, title: 'There is no patch with this id. `sluice patch list` shows all.' },
  'patch-exists': { status: 409, title: 'A patch with this id was published with another content.' },
  'patch-pulled': { status: 409, title: 'The patch was pulled, and a pull is never undone. Publish a re-issue.' },
  'patch-already-recalled': {
    status: 409,
    title: 'The patch was recalled before. A recall is not undone; another replacement or pace can be named.',
  },
  'ledger-not-named': {
    status: 409,
    title:
      'The recall re-opens exploited CVEs, so it names what was seen of that. Read `current`, then repeat with its `digest` as `ledgerDigest`. To stop the patch now, withdraw it: that needs nothing.',
  },
  'ledger-changed': {
    status: 409,
    title:
      'The recall names another re-exposure ledger than the present one. Read `current`, then repeat with its `digest` as `ledgerDigest`. To stop the patch now, withdraw it: that needs nothing.',
  },
  'replacement-unsuitable': {
    status: 409,
    title: 'The replacement must be another patch of the same platform and base, not pulled.',
  },
  'patch-folded-in': { status: 409, title: 'The patch was folded into another full release before.' },
  'release-not-later': { status: 409, title: 'Only a full release later than the base of the patch can contain it.' },
  'build-taken': { status: 409, title: 'The build belongs to another patch of this platform.' },
  'prerequisite-is-patch': {
    status: 409,
    title: 'A patch is for a base build, and this is the build of a patch. Name the base build of that one.',
  },
  'letter-taken': {
    status: 409,
    title: 'Another patch has this letter for this base build and model. A re-issue takes a later letter.',
  },
  'nothing-to-import': { status: 400, title: 'The file holds nothing that this format knows.' },
  'unknown-import-format': { status: 400, title: 'This import format is not known. Formats: sofa-v2.' },

  // Orchestrator.
  'rollout-not-found': { status: 404, title: 'There is no rollout with this id. `sluice rollout list` shows all.' },
  'rollout-exists': { status: 409, title: 'A rollout with this id exists already.' },
  'plan-not-valid': { status: 400, title: 'The plan of the rollout is not valid.' },
  'rollout-not-planned': { status: 409, title: 'Only a planned rollout can be started.' },
  'if-match-missing': {
    status: 428,
    title: 'Send `If-Match` with the ETag of what you have seen: it is changed only as it was seen.',
  },
  'revision-changed': {
    status: 412,
    title: 'It has changed since you looked at it. Look at `current`, then repeat with its ETag.',
  },
  'approval-missing': {
    status: 409,
    title:
      'The plan is not approved by enough people. Others than who planned it approve it with `sluice rollout approve`.',
  },
  'approval-own-plan': { status: 409, title: 'Who has planned it does not approve it. Another person has to.' },
  'reason-missing': { status: 400, title: 'A rollout under way is replanned only with a `reason`.' },
  'already-exposed': { status: 409, title: 'The plan would take back what was exposed already.' },
  'wave-not-open': { status: 409, title: 'The wave is not open yet. `sluice rollout show` says which one is.' },
  'wave-waits': {
    status: 409,
    title:
      'The wave waits: `waitsFor` says for what. An operator passes missing evidence with `force`, but not blindness.',
  },
  'rollout-not-running': { status: 409, title: 'The rollout is not running.' },
  'rollout-not-stopped': { status: 409, title: 'The rollout is neither paused nor halted.' },
  'rollout-over': { status: 409, title: 'The rollout is over.' },
  'rollout-of-patch-running': {
    status: 409,
    title: 'Another rollout of this patch is under way. Abort it first, or wait.',
  },
  'patch-unknown': { status: 409, title: 'The patch of the rollout is not known here (yet). Publish it first.' },
  'start-in-past': { status: 409, title: 'The start lies in the past.' },
  'gate-says-stop': {
    status: 409,
    title: 'A gate says stop. Look at the evidence; an unhealthy wave cannot be advanced.',
  },
  'evidence-not-named': {
    status: 409,
    title: 'What a gate or a responder stopped is resumed only with `evidenceSeen`: say what you looked at.',
  },
  'hold-not-found': { status: 404, title: 'There is no hold with this id. `sluice hold list` shows all.' },
  'hold-exists': { status: 409, title: 'A hold with this id exists already.' },
  'hold-not-active': { status: 409, title: 'The hold was lifted or has expired.' },
  'expiry-in-past': { status: 409, title: 'It would have expired already.' },
  'recall-not-found': { status: 404, title: 'This patch was not recalled.' },
  'recall-not-running': { status: 409, title: 'The recall is completed.' },

  // Telemetry.
  'device-not-found': { status: 404, title: 'Nothing was heard of this device.' },
  'shard-without-owner': {
    status: 503,
    title: 'No instance answers for this part of the fleet now. Try again shortly.',
  },
  'unknown-kind': { status: 400, title: 'This kind of report is not known.' },
  'report-id-used': { status: 400, title: 'Another report came under this id. Give each report an id of its own.' },
  'too-many-profiles': { status: 400, title: 'There are too many kinds of devices for another one.' },
  'invalid-report': { status: 400, title: 'The report is not valid.' },
  'at-in-future': { status: 400, title: 'Nobody knows the future yet.' },
  'at-before-first-record': { status: 400, title: 'Nothing was recorded by then. `detail` says when the past begins.' },
  'replay-not-found': { status: 404, title: 'There is no replay with this id. Jobs are forgotten at a restart.' },
  'replay-running': { status: 409, title: 'A replay is under way already.' },

  // Dead letters.
  'dead-letter-not-found': { status: 404, title: 'Nothing is parked under this id. `sluice dlq list` shows all.' },
  'dead-letter-behind': {
    status: 409,
    title: 'The event waits behind another one of its stream. Decide on the first one.',
  },

  // Attention.
  'attention-not-found': {
    status: 404,
    title: 'Nothing needs attention under this id (any more). `sluice attention` lists all.',
  },
  'attention-taken': {
    status: 409,
    title: 'Somebody else has taken it: `current` says who. Name the owner in `from` to take it over.',
  },

  'receiver-not-found': {
    status: 404,
    title: 'There is no receiver of this name. `sluice webhook list` shows all, the file of `--webhooks` has them.',
  },

  // Tokens.
  'token-name-taken': {
    status: 409,
    title: 'A token that is good still has this name. Revoke it, or take another name.',
  },
  'token-name-reserved': { status: 400, title: 'This name is kept for Sluice itself. Take another one.' },
  'token-not-found': { status: 404, title: 'There is no token with this id. `sluice token list` shows all.' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ErrorCode = keyof typeof errorCodes;

const FieldFault = Type.Object({
  path: Type.String({ description: 'JSON Pointer into the body, or the name of a parameter behind a slash.' }),
  code: Type.String(),
  detail: Type.String(),
});
export type FieldFault = Immutable<Type.Static<typeof FieldFault>>;

/** The name of a field as a part of a JSON Pointer, RFC 6901. */
export function toPointerToken(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** RFC 9457. */
export const Problem = Type.Object({
  type: Type.String({ description: '`urn:sluice:error:` and the code.' }),
  title: Type.String(),
  status: Type.Integer(),
  code: Type.Enum(Object.keys(errorCodes) as ErrorCode[]),
  detail: Type.Optional(Type.String()),
  correlationId: Type.Optional(Type.String()),
  errors: Type.Optional(Type.Array(FieldFault, { description: 'Every fault of the request at once.' })),
  current: Type.Optional(
    Type.Object(
      {},
      {
        description:
          'With `revision-changed` and `attention-taken`: what it is now. With `ledger-not-named` and `ledger-changed`: the present ledger.',
      },
    ),
  ),
  owner: Type.Optional(Type.String({ description: 'With `not-the-owner`: where the owner listens.' })),
});
export type Problem = Immutable<Type.Static<typeof Problem>>;

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCodes, code);
}
